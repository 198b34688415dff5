import { Session } from '../../src/core/session/session.js'
import { generateKey } from '../../src/core/wire/root-key.js'
import { inline } from '../../src/executors/inline.js'
import type { Clock, Discard, SessionOptions, Transport } from '../../src/index.js'
import { createStub } from '../../src/stub/handler.js'
import type { StubHandler, StubOptions } from '../../src/stub/index.js'
import { stubKey } from '../../src/stub/key.js'
import { memory } from '../../src/transports/memory.js'
import { FaultyTransport } from './faulty-transport.js'
import type { ManualClock } from './manual-clock.js'

const LISTEN_MS = 250

/** Called with each session that a test makes: what only observes is added here to see that it changes nothing. */
export const observers = new Set<(session: Session) => void>()

/**
 * Opens a session whose transport keeps no presence, on a clock that stands still: the time passes in which it listens for
 * other sessions of its name.
 */
export function openListening(session: Session, clock: ManualClock): Promise<Session> {
  const onStatus = ({ state }: { readonly state: string }) => {
    if (state !== 'connected') return
    session.off('status', onStatus)
    void clock.advance(LISTEN_MS)
  }
  session.on('status', onStatus)
  return session.open()
}

/** A session and its stubs on one transport in this process, closed by the test's `await using`. */
export class Tether implements AsyncDisposable {
  readonly transport: FaultyTransport
  readonly key: string
  readonly discards: Discard[] = []
  readonly #clock: Clock | undefined
  readonly #sessions: Session[] = []
  readonly #stubs: StubHandler[] = []

  /** @param options `key` is by default a new one */
  constructor(options: { clock?: Clock; frameBytes?: number; key?: string } = {}) {
    const { clock, frameBytes, key = generateKey() } = options
    this.key = key
    this.transport = new FaultyTransport(memory(frameBytes === undefined ? {} : { frameBytes }))
    this.#clock = clock
  }

  /** The same transport, as if its broker kept nothing. */
  get forgetful(): Transport {
    const { name, limits } = this.transport
    return { name, limits, connect: (self, handlers) => this.transport.connect(self, handlers) }
  }

  session(options: Partial<SessionOptions> = {}): Session {
    const session = new Session(
      { app: 'shop', stage: 'dev', key: this.key, transport: this.transport, ...this.#clocked(), ...options },
      {
        sourceOf: () => {
          throw new Error('no paths in these tests')
        },
        inline: () => inline(),
        invokeRemotely: () => {
          throw new Error('no AWS in these tests')
        },
      },
    )
    for (const observe of observers) observe(session)
    session.on('discard', (discard) => this.discards.push(discard))
    this.#sessions.push(session)
    return session
  }

  /** The key of a function's stubs; `*` makes one for all functions. */
  stubKey(functionId = 'api'): string {
    return stubKey({ app: 'shop', stage: 'dev', key: this.key, functionId })
  }

  /**
   * @param options `key` is a stub's, or a session's that it is derived from, by default this one's; with `functionId: '*'`
   * a function goes by its name
   */
  stub({ functionId = 'api', key = this.key, ...options }: Partial<StubOptions> = {}): StubHandler {
    const { app = 'shop', stage = 'dev' } = options
    const stub = createStub({
      app,
      stage,
      key: key.startsWith('lts2_') ? key : stubKey({ app, stage, key, functionId }),
      transport: this.transport,
      env: { TABLE: 'orders', AWS_REGION: 'eu-west-1' },
      ...(functionId !== '*' && { functionId }),
      ...this.#clocked(),
      ...options,
    })
    this.#stubs.push(stub)
    return stub
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#stubs.map((stub) => stub.close()))
    await Promise.all(this.#sessions.map((session) => session.close({ signal: AbortSignal.abort() })))
  }

  #clocked(): { clock?: Clock } {
    return this.#clock === undefined ? {} : { clock: this.#clock }
  }
}
