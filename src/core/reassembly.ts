import type { Clock } from './clock.js'
import { TetherError } from './errors.js'
import type { FrameHeader } from './frame.js'
import { Counters } from './stats.js'

/** What reassembly may hold; what is over it is dropped, oldest first. */
export interface ReassemblyLimits {
  /** The largest joined message, in bytes. @default 9 MiB: a body of 8 MiB, its environment and context */
  readonly messageBytes: number
  /** All incomplete messages together, in bytes. @default 64 MiB */
  readonly totalBytes: number
  /** How long an incomplete message may go without a new part. @default 30,000 */
  readonly idleMs: number
}

const defaultReassemblyLimits: ReassemblyLimits = {
  messageBytes: 9 * 1024 * 1024,
  totalBytes: 64 * 1024 * 1024,
  idleMs: 30_000,
}

interface Partial {
  readonly parts: (Buffer | undefined)[]
  missing: number
  bytes: number
  touchedAt: number
}

/** Joins the parts of messages, in any order, each at most once. Holds authenticated parts only. */
export class Reassembly {
  readonly #clock: Clock
  readonly #limits: ReassemblyLimits
  readonly #counters: Counters
  /** Least recently touched first. */
  readonly #partials = new Map<string, Partial>()
  #bytes = 0

  constructor(
    clock: Clock,
    limits: ReassemblyLimits = defaultReassemblyLimits,
    counters: Counters = new Counters(),
  ) {
    this.#clock = clock
    this.#limits = limits
    this.#counters = counters
  }

  /** Bytes held in incomplete messages. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Takes one part.
   * @returns the joined message when this was its last part
   * @throws TetherError `TOO_LARGE`, or `PROTOCOL` when parts of one message disagree
   */
  add(key: string, header: FrameHeader, part: Buffer): Buffer | undefined {
    this.#expire()
    const { count, index, totalBytes } = header
    if (totalBytes > this.#limits.messageBytes) {
      throw new TetherError(
        'TOO_LARGE',
        `A message of ${totalBytes} bytes exceeds ${this.#limits.messageBytes}; it was dropped.`,
      )
    }
    if (count > Math.max(1, totalBytes)) throw disagreement(`${count} parts for ${totalBytes} bytes`)
    if (count === 1) {
      if (part.length !== totalBytes)
        throw disagreement(`${part.length} bytes where ${totalBytes} were announced`)
      return part
    }
    const partial = this.#take(key) ?? { parts: new Array(count), missing: count, bytes: 0, touchedAt: 0 }
    if (partial.parts.length !== count) {
      throw disagreement(`${count} parts where there were ${partial.parts.length}`)
    }
    if (partial.parts[index] === undefined) {
      partial.parts[index] = part
      partial.missing--
      partial.bytes += part.length
    } else this.#counters.duplicateFrames++
    if (partial.bytes > totalBytes)
      throw disagreement(`${partial.bytes} bytes where ${totalBytes} were announced`)
    if (partial.missing > 0) {
      this.#put(key, partial)
      return undefined
    }
    if (partial.bytes !== totalBytes)
      throw disagreement(`${partial.bytes} bytes where ${totalBytes} were announced`)
    return Buffer.concat(partial.parts as Buffer[])
  }

  /** Which parts of an incomplete message have not arrived. */
  missing(key: string): readonly number[] | undefined {
    const partial = this.#partials.get(key)
    if (partial === undefined) return undefined
    return [...partial.parts.keys()].filter((index) => partial.parts[index] === undefined)
  }

  #take(key: string): Partial | undefined {
    const partial = this.#partials.get(key)
    if (partial === undefined) return undefined
    this.#partials.delete(key)
    this.#bytes -= partial.bytes
    return partial
  }

  #put(key: string, partial: Partial): void {
    partial.touchedAt = this.#clock.now()
    this.#partials.set(key, partial)
    this.#bytes += partial.bytes
    for (const oldest of this.#partials.keys()) {
      if (this.#bytes <= this.#limits.totalBytes) return
      this.#take(oldest)
    }
  }

  #expire(): void {
    const before = this.#clock.now() - this.#limits.idleMs
    for (const [key, partial] of this.#partials) {
      if (partial.touchedAt > before) return
      this.#take(key)
    }
  }
}

function disagreement(what: string): TetherError {
  return new TetherError('PROTOCOL', `The parts of a message disagree: ${what}.`)
}
