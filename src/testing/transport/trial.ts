import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { TetherError, type TetherErrorCode } from '../../core/base/errors.js'
import { setImmediate } from '../../core/base/timers.js'
import type { ConnectOptions, Endpoint, Transport } from '../../core/contracts/transport.js'
import type { Patience } from '../suite.js'
import { Peer } from './peer.js'

/** The result of `transportConformance`'s factory, for one test. */
export interface TransportUnderTest {
  readonly transport: Transport
  /**
   * Ends every connection without a goodbye, like a failing network. New connections must be possible afterwards only
   * if the transport keeps frames: then the broker has to survive.
   */
  cut?(): void | Promise<void>
  /** Releases the factory's resources; called when the test has closed its connections. */
  close(): void | Promise<void>
}

/** Features that not every transport has, or not every factory can cause. */
export type TransportFeature = 'cut' | 'serve' | 'keep'

/** One promise of a transport, tested. */
export interface TransportTest {
  readonly name: string
  readonly needs?: readonly TransportFeature[]
  run(trial: TransportTrial): Promise<void>
}

/** One run of one test: a transport, a namespace of its own on the broker, and the connections made. */
export class TransportTrial {
  readonly transport: Transport
  /** Unique, so that tests may share a broker. */
  readonly app = `conformance-${randomBytes(8).toString('hex')}`
  readonly patience: Patience
  readonly #subject: TransportUnderTest
  readonly #peers: Peer[] = []

  constructor(subject: TransportUnderTest, patience: Patience) {
    this.#subject = subject
    this.transport = subject.transport
    this.patience = patience
  }

  /** An endpoint of this test. A stub's name is padded to 22 characters, the length of stubs' names. */
  endpoint(role: Endpoint['role'], { name = 'one', ...parts }: Partial<Endpoint> = {}): Endpoint {
    return {
      app: this.app,
      stage: 'dev',
      role,
      name: role === 'stub' ? name.padEnd(22, '_') : name,
      ...parts,
    }
  }

  /** A peer that is not connected yet, for calls to `connect` that may fail. */
  peer(self: Endpoint): Peer {
    return new Peer(self, this.patience)
  }

  async connect(self: Endpoint, options?: ConnectOptions): Promise<Peer> {
    const peer = this.peer(self)
    await this.attach(peer, this.transport.connect(self, peer, options))
    return peer
  }

  async attach(peer: Peer, connecting: ReturnType<Transport['connect']>): Promise<void> {
    peer.attach(await this.patience.within('connect() did not settle', connecting))
    this.#peers.push(peer)
  }

  /** Two connected peers, of which the first only sends. */
  async pair(to: Endpoint = this.endpoint('stub')): Promise<{ sender: Peer; receiver: Peer }> {
    const receiver = await this.connect(to)
    return { sender: await this.connect(this.endpoint('session', { name: 'sender' })), receiver }
  }

  async cut(): Promise<void> {
    assert(this.#subject.cut, "The factory gave no cut(); give one, or put 'cut' into `without`.")
    await this.#subject.cut()
  }

  /** Resolves when so many milliseconds have passed. */
  pass(ms: number): Promise<void> {
    return this.patience.pass(ms)
  }

  /** Returns the features of this transport and this factory. */
  async features(): Promise<ReadonlySet<TransportFeature>> {
    const { connection } = await this.connect(this.endpoint('session'))
    const features = new Set<TransportFeature>()
    if (this.#subject.cut !== undefined) features.add('cut')
    if (connection.serve !== undefined) features.add('serve')
    const { keeps } = this.transport
    // A transport that answers on request only keeps nothing for later connections.
    if (keeps?.onRequest !== true && (keeps !== undefined || connection.keep !== undefined))
      features.add('keep')
    return features
  }

  /** Waits for a rejection with one of these codes. */
  async rejects(what: string, promise: Promise<unknown>, ...codes: TetherErrorCode[]): Promise<TetherError> {
    const error = await this.patience.within(
      `${what} did not settle`,
      promise.then(
        () => undefined,
        (reason: unknown) => reason ?? new Error('rejected with nothing'),
      ),
    )
    assert(error !== undefined, `${what} resolved; ${codes.join(' or ')} was to be thrown.`)
    assert(error instanceof TetherError, `${what} threw no TetherError but ${String(error)}`)
    assert(
      codes.includes(error.code),
      `${what} threw ${error.code}, not ${codes.join(' or ')}: ${error.message}`,
    )
    return error
  }

  /** Releases everything. Other tests check that closing works, so its result is ignored here. */
  async end(): Promise<void> {
    await Promise.allSettled(this.#peers.map((peer) => peer.close()))
    await this.#subject.close()
  }
}

/** Lets pending immediate callbacks run. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
