import type { Cancel, Clock } from '../../core/base/clock.js'
import { TetherError, throwIfAborted } from '../../core/base/errors.js'
import type { AbortOptions, Connection, Endpoint } from '../../core/contracts/transport.js'
import type { Decision } from './plan.js'

export interface FaultyConnectionOptions {
  readonly inner: Connection
  readonly frameBytes: number
  readonly clock: Clock
  /** The frame that the broker keeps once the connection is cut. */
  readonly will?: Uint8Array
  nextFate(): Decision
  /** Stops delivering frames. */
  deafen(): void
}

/** How long a frame waits for another to overtake it. */
const OVERTAKE_MS = 50

interface Parcel {
  readonly to: Endpoint
  readonly frame: Uint8Array
  readonly copies: 1 | 2
  /** Reports that the frame was lost after all. */
  lost(): void
}

/** A connection on which frames meet the fate that was decided for them. */
export class FaultyConnection implements Connection {
  readonly closed: Promise<TetherError | undefined>
  readonly expiresAt?: number
  readonly serve?: (lanes: readonly number[]) => Promise<void>
  readonly keep?: (frame: Uint8Array) => Promise<void>
  readonly look?: () => Promise<readonly string[]>
  readonly unwatched?: readonly string[]
  readonly #options: FaultyConnectionOptions
  /** Delayed frames and their timers. */
  readonly #held = new Map<Parcel, Cancel>()
  #overtaken: Parcel | undefined
  #ended = false
  #cut: TetherError | undefined
  #resolveCut: (error: TetherError) => void = () => {}

  constructor(options: FaultyConnectionOptions) {
    this.#options = options
    const { inner } = options
    if (inner.expiresAt !== undefined) this.expiresAt = inner.expiresAt
    if (inner.serve !== undefined) this.serve = (lanes) => inner.serve!(lanes)
    if (inner.keep !== undefined) this.keep = (frame) => inner.keep!(frame)
    if (inner.look !== undefined) this.look = () => inner.look!()
    if (inner.unwatched !== undefined) this.unwatched = inner.unwatched
    const cut = new Promise<TetherError>((resolve) => {
      this.#resolveCut = resolve
    })
    const ended = inner.closed.then((error) => {
      this.#end()
      return error
    })
    this.closed = Promise.race([cut, ended])
  }

  async send(to: Endpoint, frame: Uint8Array, options: AbortOptions = {}): Promise<void> {
    throwIfAborted(options.signal)
    if (this.#cut !== undefined) throw this.#cut
    // The transport itself refuses these frames, so no fate is decided.
    if (this.#ended || frame.byteLength > this.#options.frameBytes) {
      return this.#options.inner.send(to, frame, options)
    }
    const { fate, tell } = this.#options.nextFate()
    if (fate.throttle) {
      tell('throttle')
      throw new TetherError('THROTTLED', 'The frame was refused for its rate, by the plan of faults.')
    }
    if (fate.cut) {
      tell('cut')
      throw this.#breakOff()
    }
    if (fate.drop) return tell('drop')
    if (fate.corruptAt !== undefined) tell('corrupt')
    if (fate.duplicate) tell('duplicate')
    const parcel: Parcel = {
      to,
      frame: fate.corruptAt === undefined ? frame : corrupted(frame, fate.corruptAt),
      copies: fate.duplicate ? 2 : 1,
      lost: () => tell('drop'),
    }
    if (fate.reorder && this.#overtaken === undefined) {
      tell('reorder')
      this.#overtaken = this.#hold(parcel, OVERTAKE_MS)
    } else if (fate.delayMs > 0) {
      tell('delay')
      this.#hold(parcel, fate.delayMs)
      this.#release(this.#overtaken)
    } else {
      await this.#forward(parcel, options)
      this.#release(this.#overtaken)
    }
  }

  async close(): Promise<void> {
    this.#end()
    await this.#options.inner.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #forward({ to, frame, copies }: Parcel, options?: AbortOptions): Promise<void> {
    const { inner } = this.#options
    await inner.send(to, frame, options)
    if (copies === 2) await inner.send(to, frame, options)
  }

  /** Holds a copy of a frame: its sender may overwrite its bytes meanwhile. */
  #hold(parcel: Parcel, delayMs: number): Parcel {
    const kept = { ...parcel, frame: Uint8Array.from(parcel.frame) }
    this.#held.set(
      kept,
      this.#options.clock.schedule(delayMs, () => this.#release(kept)),
    )
    return kept
  }

  #release(parcel: Parcel | undefined): void {
    if (parcel === undefined) return
    const cancel = this.#held.get(parcel)
    if (cancel === undefined) return
    cancel()
    this.#held.delete(parcel)
    if (this.#overtaken === parcel) this.#overtaken = undefined
    // Its sender was told earlier that it had left.
    this.#forward(parcel).catch(() => parcel.lost())
  }

  #breakOff(): TetherError {
    this.#cut = new TetherError('UNREACHABLE', 'The connection was cut, by the plan of faults.')
    this.#options.deafen()
    this.#resolveCut(this.#cut)
    this.#end()
    void this.#leaveWill().then(() => this.close())
    return this.#cut
  }

  // The broker does this at a real cut; for the inner transport, this cut is a goodbye.
  async #leaveWill(): Promise<void> {
    const { inner, will } = this.#options
    try {
      if (will !== undefined) await inner.keep?.(will)
    } catch {
      // The connection has ended by itself meanwhile, and left its will.
    }
  }

  #end(): void {
    this.#ended = true
    for (const [parcel, cancel] of this.#held) {
      cancel()
      parcel.lost()
    }
    this.#held.clear()
    this.#overtaken = undefined
  }
}

/** A copy with one bit changed. */
function corrupted(frame: Uint8Array, share: number): Uint8Array {
  const copy = Uint8Array.from(frame)
  const bit = Math.floor(share * copy.length * 8)
  if (copy.length > 0) copy[bit >> 3]! ^= 1 << (bit & 7)
  return copy
}
