import { BoundedTime } from '../base/bounded-time.js'
import type { Clock } from '../base/clock.js'
import { TetherError } from '../base/errors.js'
import type { Counters } from './counters.js'
import type { FrameHeader } from './frame.js'

/** Limits of reassembly; beyond them the oldest messages are dropped. */
export interface ReassemblyLimits {
  /** The limit on all incomplete messages together, in bytes, including the cost of holding them. @default 64 MiB */
  readonly totalBytes: number
  /** How long an incomplete message may go without a new part. @default 30,000 */
  readonly idleMs: number
}

const defaultReassemblyLimits: ReassemblyLimits = {
  totalBytes: 64 * 1024 * 1024,
  idleMs: 30_000,
}

/** The cost of a message and of each part besides its bytes, so that a flood of tiny ones counts, too. */
const MESSAGE_COST_BYTES = 1_024
const PART_COST_BYTES = 512
/** The limit on parts requested at once; further missing parts are requested later. */
const MAX_MISSING = 10_000

interface Partial {
  readonly count: number
  readonly totalBytes: number
  /** By index. Grows with parts that arrive, not with the announced count. */
  readonly parts: Map<number, Buffer>
  bytes: number
  touchedAt: number
}

/** Joins the parts of messages, arriving in any order, each used once. Holds only authenticated parts. */
export class Reassembly {
  /** A clock that jumps drops no message that is still arriving. */
  readonly #time: BoundedTime
  readonly #limits: ReassemblyLimits
  readonly #counters: Counters | undefined
  /** Least recently touched first. */
  readonly #partials = new Map<string, Partial>()
  #bytes = 0

  constructor(clock: Clock, limits: ReassemblyLimits = defaultReassemblyLimits, counters?: Counters) {
    this.#time = new BoundedTime(clock, limits.idleMs / 2)
    this.#limits = limits
    this.#counters = counters
  }

  /** The cost of incomplete messages, in bytes. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Adds one of several parts.
   * @returns the joined message if this was its last part
   * @throws TetherError `PROTOCOL` when parts of one message disagree
   */
  add(key: string, header: FrameHeader, part: Buffer): Buffer | undefined {
    this.expire()
    const { count, index, totalBytes } = header
    const partial = this.#take(key) ?? { count, totalBytes, parts: new Map(), bytes: 0, touchedAt: 0 }
    if (partial.count !== count) throw disagreement(`${count} parts where there were ${partial.count}`)
    if (partial.totalBytes !== totalBytes)
      throw disagreement(`${totalBytes} bytes where ${partial.totalBytes} were announced`)
    if (!partial.parts.has(index)) {
      partial.parts.set(index, part)
      partial.bytes += part.length
    } else if (this.#counters !== undefined) this.#counters.duplicateFrames++
    if (partial.bytes > totalBytes)
      throw disagreement(`${partial.bytes} bytes where ${totalBytes} were announced`)
    if (partial.parts.size < count) {
      this.#put(key, partial)
      return undefined
    }
    if (partial.bytes !== totalBytes)
      throw disagreement(`${partial.bytes} bytes where ${totalBytes} were announced`)
    return Buffer.concat(Array.from({ length: count }, (_, at) => partial.parts.get(at)!))
  }

  /** Whether this message has arrived in part. */
  has(key: string): boolean {
    return this.#partials.has(key)
  }

  /** The missing parts of an incomplete message; at most the first 10,000. */
  missing(key: string): readonly number[] | undefined {
    const partial = this.#partials.get(key)
    if (partial === undefined) return undefined
    const missing: number[] = []
    for (let index = 0; index < partial.count && missing.length < MAX_MISSING; index++) {
      if (!partial.parts.has(index)) missing.push(index)
    }
    return missing
  }

  #take(key: string): Partial | undefined {
    const partial = this.#partials.get(key)
    if (partial === undefined) return undefined
    this.#partials.delete(key)
    this.#bytes -= cost(partial)
    return partial
  }

  #put(key: string, partial: Partial): void {
    partial.touchedAt = this.#time.now()
    this.#partials.set(key, partial)
    this.#bytes += cost(partial)
    for (const oldest of this.#partials.keys()) {
      if (this.#bytes <= this.#limits.totalBytes) return
      this.#take(oldest)
    }
  }

  /** Drops messages that have waited too long for a part. */
  expire(): void {
    if (this.#partials.size === 0) return
    const before = this.#time.now() - this.#limits.idleMs
    for (const [key, partial] of this.#partials) {
      if (partial.touchedAt > before) return
      this.#take(key)
    }
  }
}

function cost({ bytes, parts }: Partial): number {
  return bytes + parts.size * PART_COST_BYTES + MESSAGE_COST_BYTES
}

function disagreement(what: string): TetherError {
  return new TetherError('PROTOCOL', `The parts of a message disagree: ${what}.`)
}
