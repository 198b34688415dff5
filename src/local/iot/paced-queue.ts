import type { Cancel, Clock } from '../../core/base/clock.js'
import type { Throughput } from './rate.js'

/** Passes bytes on in order, delayed as the connection's throughput requires. */
export class PacedQueue {
  readonly #throughput: Throughput
  readonly #clock: Clock
  readonly #deliver: (bytes: Buffer) => void
  readonly #onIdle: () => void
  #waiting: { bytes: Buffer; due: number }[] = []
  #cancel: Cancel | undefined

  /** @param onIdle called when the last delayed bytes are delivered */
  constructor(throughput: Throughput, clock: Clock, deliver: (bytes: Buffer) => void, onIdle: () => void) {
    this.#throughput = throughput
    this.#clock = clock
    this.#deliver = deliver
    this.#onIdle = onIdle
  }

  /** True if no bytes are delayed. */
  get idle(): boolean {
    return this.#waiting.length === 0
  }

  push(bytes: Buffer): void {
    const now = this.#clock.now()
    const due = this.#throughput.due(bytes.length, now)
    if (this.idle && due <= now) {
      this.#deliver(bytes)
      return
    }
    this.#waiting.push({ bytes, due })
    this.#cancel ??= this.#clock.schedule(due - now, () => this.#pump())
  }

  /** Discards delayed bytes. */
  clear(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#waiting = []
  }

  #pump(): void {
    this.#cancel = undefined
    const now = this.#clock.now()
    while (this.#waiting[0] && this.#waiting[0].due <= now) this.#deliver(this.#waiting.shift()!.bytes)
    const next = this.#waiting[0]
    if (next) this.#cancel ??= this.#clock.schedule(Math.ceil(next.due - now), () => this.#pump())
    else this.#onIdle()
  }
}
