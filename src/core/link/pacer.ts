import type { Cancel, Clock } from '../base/clock.js'
import { TetherError } from '../base/errors.js'
import type { TransportLimits } from '../contracts/transport.js'

// A bucket of a tenth of a second's frames, refilled at 85 % of their rate: in any window of one second, this side
// sends at most 95 % of the limit. Brokers discard frames beyond it.
const BURST = 0.1
const REFILL = 0.85
// Brokers delay bytes beyond their limit, so this bucket may hold the 15 % that the refill leaves.
const BYTES_BURST = 0.15
// Received frames use at most half of the rate: otherwise this side could not answer them.
const RECEIVED = 0.5

interface Waiting {
  readonly bytes: number
  resolve(): void
  reject(error: TetherError): void
}

/**
 * Keeps one connection within its transport's rate, with two token buckets: frames and bytes. Small messages pass the
 * parts of large ones; within each kind, first come first served.
 */
export class Pacer {
  readonly #clock: Clock
  readonly #rate: TransportLimits['rate']
  readonly #waiting: Waiting[] = []
  /** Parts of large messages: everything else passes them. */
  readonly #waitingBulk: Waiting[] = []
  #waitingBytes = 0
  /** The number of received frames that will still be counted. */
  #receivable: number
  #frames: number
  #bytes: number
  #filledAt: number
  #cancelTimer: Cancel | undefined
  /**
   * The time that the timer will have waited when it fires, minus the time that the clock has shown so far, in
   * milliseconds.
   */
  #waitedMs = 0
  #closed = false

  constructor(clock: Clock, rate: TransportLimits['rate']) {
    this.#clock = clock
    this.#rate = rate
    this.#frames = (rate?.frames ?? 0) * BURST
    this.#bytes = (rate?.bytes ?? 0) * BYTES_BURST
    this.#receivable = (rate?.frames ?? 0) * RECEIVED
    this.#filledAt = clock.now()
  }

  /**
   * The free share of a second's rate, from 0 to 1; below 0, the queue in seconds. Used to choose among connections.
   */
  get headroom(): number {
    if (this.#rate === undefined) return 1
    this.#fill()
    const waiting = this.#waiting.length + this.#waitingBulk.length
    const frames = (this.#frames - waiting) / this.#rate.frames
    if (this.#rate.bytes === undefined) return frames
    return Math.min(frames, (this.#bytes - this.#waitingBytes) / this.#rate.bytes)
  }

  /** Undefined if a frame of this size may leave now, otherwise a promise that resolves when it may. */
  take(bytes: number, bulk = false): Promise<void> | undefined {
    if (this.#rate === undefined) return undefined
    this.#fill()
    const before = this.#waiting.length + (bulk ? this.#waitingBulk.length : 0)
    if (before === 0 && this.#ready()) {
      this.#spend(bytes)
      return undefined
    }
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(closed())
      const queue = bulk ? this.#waitingBulk : this.#waiting
      queue.push({ bytes, resolve, reject })
      this.#waitingBytes += bytes
      this.#arm()
    })
  }

  /** Counts a received frame, if the broker counts them. */
  received(bytes: number): void {
    if (this.#rate?.counts !== 'sent+received') return
    this.#fill()
    const charged = Math.min(1, this.#receivable)
    this.#receivable -= charged
    this.#spend(bytes * charged, charged)
  }

  /** Rejects waiting frames with `CLOSED`. */
  close(): void {
    this.#closed = true
    this.#cancelTimer?.()
    for (const waiting of [...this.#waiting.splice(0), ...this.#waitingBulk.splice(0)])
      waiting.reject(closed())
  }

  // A frame may be larger than the byte bucket, so a positive balance suffices and the debt is paid afterwards.
  #ready(): boolean {
    return this.#frames >= 1 && (this.#rate?.bytes === undefined || this.#bytes > 0)
  }

  // Received frames can mute this side for a second, never longer.
  #spend(bytes: number, count = 1): void {
    const { frames, bytes: byteRate = 0 } = this.#rate!
    this.#frames = Math.max(-frames * REFILL, this.#frames - count)
    this.#bytes = Math.max(-Math.max(byteRate * REFILL, bytes), this.#bytes - bytes)
  }

  /** @param leastMs time that has certainly passed, even if the clock shows less */
  #fill(leastMs = 0): void {
    const { frames, bytes = 0 } = this.#rate!
    const now = this.#clock.now()
    const passedMs = Math.max(leastMs, now - this.#filledAt, 0)
    const seconds = passedMs / 1000
    this.#waitedMs -= passedMs
    this.#filledAt = now
    this.#frames = Math.min(frames * BURST, this.#frames + seconds * frames * REFILL)
    this.#receivable = Math.min(frames * RECEIVED, this.#receivable + seconds * frames * RECEIVED)
    this.#bytes = Math.min(bytes * BYTES_BURST, this.#bytes + seconds * bytes * REFILL)
  }

  #arm(): void {
    if (this.#cancelTimer !== undefined) return
    const { frames, bytes } = this.#rate!
    const forFrames = (1 - this.#frames) / (frames * REFILL)
    const forBytes = bytes === undefined ? 0 : (1 - this.#bytes) / (bytes * REFILL)
    const delayMs = Math.ceil(Math.max(forFrames, forBytes, 0.001) * 1000)
    this.#waitedMs = delayMs
    this.#cancelTimer = this.#clock.schedule(delayMs, () => {
      this.#cancelTimer = undefined
      this.#release()
    })
  }

  #release(): void {
    this.#fill(this.#waitedMs)
    while (this.#ready()) {
      const next = this.#waiting.shift() ?? this.#waitingBulk.shift()
      if (next === undefined) return
      this.#waitingBytes -= next.bytes
      this.#spend(next.bytes)
      next.resolve()
    }
    if (this.#waiting.length + this.#waitingBulk.length > 0) this.#arm()
  }
}

function closed(): TetherError {
  return new TetherError('CLOSED', 'The connection was closed before the frame could leave.')
}
