import type { Clock } from '../../core/base/clock.js'

/** Options of {@link KeepAlive}. */
export interface KeepAliveOptions {
  readonly clock: Clock
  /** Sends a WebSocket ping. */
  ping(): void
  /** Sends a message. */
  say(text: string): void
  /** The peer is gone. */
  dead(reason: Error): void
}

const PING_EVERY_MS = 30_000
// API Gateway ends a connection that had no message for ten minutes; WebSocket pings are not known to count.
const PINGS_PER_MESSAGE = 8
/** The API routes this to an integration that runs nothing and answers nothing. */
const MESSAGE = JSON.stringify({ action: 'ping' })
// Two, since one pong may be late after the process was frozen: received data is not read yet.
const MISSED = 2

/** Keeps one connection from idling, and finds out when it is dead. */
export class KeepAlive {
  readonly #options: KeepAliveOptions
  #cancel = () => {}
  #ticks = 0
  #unanswered = 0
  /** Whether this peer answers pings at all. */
  #answers = false

  constructor(options: KeepAliveOptions) {
    this.#options = options
  }

  /** Starts pinging; call it when the connection is open. */
  start(): void {
    this.#cancel = this.#options.clock.schedule(PING_EVERY_MS, () => this.#tick())
  }

  /** Records a pong. */
  answered(): void {
    this.#answers = true
    this.#unanswered = 0
  }

  /** Records any other message. */
  heard(): void {
    this.#unanswered = 0
  }

  stop(): void {
    this.#cancel()
  }

  #tick(): void {
    const { ping, say, dead } = this.#options
    if (this.#answers && this.#unanswered >= MISSED) {
      return dead(new Error(`it left ${MISSED} pings unanswered, ${PING_EVERY_MS / 1000} s apart`))
    }
    this.#ticks++
    this.#unanswered++
    ping()
    if (this.#ticks % PINGS_PER_MESSAGE === 0) say(MESSAGE)
    this.start()
  }
}
