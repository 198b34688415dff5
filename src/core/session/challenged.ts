import type { Clock } from '../base/clock.js'
import type { InvokeMessage } from '../wire/protocol.js'

interface Held {
  readonly message: InvokeMessage
  readonly from: string
  readonly arrivedAt: number
  readonly until: number
}

// Longer than the slowest stub takes to answer a challenge; a recording is forgotten soon.
const HOLD_MS = 10_000
const MAX_BYTES = 32 * 1024 * 1024
/** What a message is counted as beside its event and its variables. */
const REST_BYTES = 4_096

/** Invocations that may be recordings, until their stubs have shown that they wait. Bounded: the oldest give way. */
export class Challenged {
  readonly #clock: Clock
  readonly #held = new Map<string, Held>()
  #bytes = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  hold(message: InvokeMessage, from: string, arrivedAt: number): void {
    this.take(message.id)
    this.#held.set(message.id, { message, from, arrivedAt, until: this.#clock.now() + HOLD_MS })
    this.#bytes += bytesOf(message)
    for (const [id, { until }] of this.#held) {
      if (this.#bytes <= MAX_BYTES && until > this.#clock.now()) return
      this.take(id)
    }
  }

  /** Whether it waits for its stub. */
  has(id: string): boolean {
    return (this.#held.get(id)?.until ?? 0) > this.#clock.now()
  }

  /** The invocation, held no longer. */
  take(id: string): Held | undefined {
    const held = this.#held.get(id)
    if (held === undefined) return undefined
    this.#held.delete(id)
    this.#bytes -= bytesOf(held.message)
    return held.until > this.#clock.now() ? held : undefined
  }
}

function bytesOf({ event, env }: InvokeMessage): number {
  return (event?.length ?? 0) + (env?.length ?? 0) + REST_BYTES
}
