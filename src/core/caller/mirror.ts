import type { Clock } from '../base/clock.js'
import type { Mirrored, SessionMessage } from '../wire/protocol.js'
import type { CallInput } from './options.js'
import type { Wire } from './wire.js'

// What has not left by then belongs to a process that was frozen, or to a connection that takes nothing.
const LIFE_MS = 5_000

/** A copy of one invocation, on its way to a session: sent once, waited for by nobody. */
export class MirrorCall {
  readonly #id: string
  readonly #wire: Pick<Wire, 'ready' | 'invoke' | 'ask'>
  readonly #clock: Clock
  readonly #startedAt: number
  readonly #dropped = new AbortController()

  constructor(id: string, wire: Pick<Wire, 'ready' | 'invoke' | 'ask'>, clock: Clock) {
    this.#id = id
    this.#wire = wire
    this.#clock = clock
    this.#startedAt = clock.now()
  }

  /** By the wall clock, which goes on while a process is frozen. */
  get over(): boolean {
    return this.#clock.now() - this.#startedAt >= LIFE_MS
  }

  /**
   * Resolves when it has left.
   * @param wanted asked once there is a connection: whether anybody may be there
   * @throws what the transport throws; `ABORTED` when it was dropped
   */
  async run(input: CallInput, mirrored: Mirrored, wanted: () => boolean): Promise<void> {
    const { signal } = this.#dropped
    const cancel = this.#clock.schedule(LIFE_MS, () => this.drop())
    try {
      await this.#wire.ready(signal)
      if (!wanted()) return
      const remainingMs = Math.max(0, input.remainingMs - (this.#clock.now() - this.#startedAt))
      // As it is, not packed: a mirror must cost its function as little as can be.
      const head = { id: this.#id, remainingMs, ageMs: 0, event: input.event, mirrored }
      await this.#wire.invoke(head, { withEnv: true, signal })
    } finally {
      cancel()
    }
  }

  receive({ type }: SessionMessage): void {
    // The session cannot tell a first contact from a recording, and holds it until it is asked for.
    if (type === 'challenge' && !this.over) this.#wire.ask(this.#id, undefined).catch(() => {})
  }

  /** Whatever of it has not left does not leave. Idempotent. */
  drop(): void {
    this.#dropped.abort()
  }
}
