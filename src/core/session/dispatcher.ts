import type { Cancel } from '../base/clock.js'
import { type Deferred, deferred } from '../base/deferred.js'
import { TetherError, toLambdaError } from '../base/errors.js'
import { daysBetween, isFarAhead, isTooFarAhead } from '../naming/epochs.js'
import type { LeavingOptions, Sent } from '../wire/outgoing.js'
import type {
  InvokeMessage,
  Outbound,
  PresignMessage,
  SessionMessage,
  StubMessage,
} from '../wire/protocol.js'
import { REMEMBERED_MS } from './arrivals.js'
import type { Desk } from './desk.js'
import { Environments } from './environments.js'
import type { InvocationOwner } from './invocation.js'
import { settle } from './outcomes.js'
import { Records, type State } from './records.js'
import { apply, type Events } from './rules.js'
import { ackSoon } from './runner.js'
import { stream } from './streaming/stream.js'

type Made =
  | 'records'
  | 'environments'
  | 'openedAt'
  | 'young'
  | 'send'
  | 'say'
  | keyof Omit<InvocationOwner, 'clock'>
export interface DispatcherOptions extends Omit<Desk, Made> {
  /** The limit on kept answers, in bytes. */
  readonly maxKeptBytes: number
  /** Whether it tells stubs its name, because they may have a team's list. */
  readonly named: boolean
  send(to: string, message: Outbound<SessionMessage>, options?: LeavingOptions): Promise<Sent>
}

/** In these states a further `invoke` is a duplicate. */
const REPEATED: readonly State[] = ['fetching', 'running', 'streaming', 'answered', 'over']
const STOP_MS = 500

/** Handles messages of stubs: at most one execution of each invocation. */
export class Dispatcher {
  readonly desk: Desk
  readonly #stopped: Deferred<void> = deferred()
  #closing = false
  #cancelYouth: Cancel = () => {}

  constructor({ send, maxKeptBytes, named, ...options }: DispatcherOptions) {
    const { clock, identity } = options
    const leaving = new Set<string>()
    const said = named ? { name: options.name } : {}
    const desk: Desk = {
      ...options,
      openedAt: clock.now(),
      young: true,
      records: new Records(clock, maxKeptBytes, (record) => apply(desk, 'deadline', record, undefined)),
      environments: new Environments(() => options.counters.environmentHeard()),
      acknowledge: (invocation) => ackSoon(desk, desk.records.running(invocation)),
      settle: (invocation, answer) => settle(desk, invocation, answer),
      stream: (invocation, outcome) => stream(desk, invocation, outcome),
      send: (to, reply, sendOptions) => {
        const { session, epoch } = identity
        return send(to, Object.assign(reply, { session, epoch }, said), sendOptions).catch(() => undefined)
      },
      say: (to, reply) => {
        const key = `${reply.type} ${reply.id}`
        if (leaving.has(key)) return
        leaving.add(key)
        void desk.send(to, reply).then(() => leaving.delete(key))
      },
    }
    this.desk = desk
  }

  /** Called when the session begins. */
  opened(): void {
    this.desk.openedAt = this.desk.clock.now()
  }

  /** Called when the session is connected. */
  connected(): void {
    if (this.#closing) return
    this.#cancelYouth = this.desk.clock.schedule(REMEMBERED_MS, () => {
      this.desk.young = false
    })
  }

  /** Handles a part of an invocation. */
  part(id: string, from: string): void {
    this.#on('part', id, from, undefined)
  }

  /** @param number the message's number, counted by its sender */
  receive(message: StubMessage, from: string, number: number): void {
    const { id } = message
    if (!this.#clocksAgree(message, from) || !this.desk.mayServe(message.epoch)) return
    for (const settled of message.settled) this.#on('settled', settled, from, undefined)
    if (message.type === 'invoke') return this.#onInvoke(message, from)
    if (message.type === 'ask') return this.#on('ask', id, from, { ...message, number })
    if (message.type === 'presign') return void this.#onPresign(message, from)
    if (message.type === 'credit') return this.#on('credit', id, from, message)
    const { code, reason } = message
    if (code === 'STORE_FAILED') this.desk.payloads.failed(new TetherError(code, `A stub reports: ${reason}`))
    // A reader of a stream may stop reading.
    const ended = code === 'ABORTED' ? code : 'DEADLINE'
    const error = new TetherError(ended, `The stub gave up on invocation ${id}: ${reason}`)
    this.#on('cancel', id, from, error)
  }

  /** Whether all answers owed to stubs have left. */
  get idle(): boolean {
    return this.desk.records.idle
  }

  /**
   * Accepts no more invocations, and still answers stubs about those it has. Resolves when all answers owed to stubs have
   * left, or soon after `stop`.
   */
  async close(): Promise<void> {
    this.#closing = true
    this.#cancelYouth()
    this.#onAll(
      'close',
      new TetherError('CLOSED', 'The session was closed before the invocation had arrived.'),
    )
    await Promise.race([this.desk.records.kept(), this.#stopped.promise])
    this.desk.records.close()
  }

  /** Stops running invocations, and soon the wait in `close`. */
  stop(): void {
    this.#onAll('signal', new TetherError('CLOSED', 'The session was closed before local code answered.'))
    // Long enough for the answers to leave; a broken connection is not waited for.
    const cancel = this.desk.clock.schedule(STOP_MS, this.#stopped.resolve)
    void this.desk.records.kept().then(cancel)
  }

  /** Stops running invocations silently: the session that took the name answers for it. */
  abandon(): void {
    this.#closing = true
    this.#onAll('abandon', new TetherError('DISPLACED', 'Another session has taken the name.'))
    this.#stopped.resolve()
  }

  #onInvoke(message: InvokeMessage, from: string): void {
    const { id, functionId, mirrored } = message
    if (this.desk.covers(from, functionId)) return this.#on('invoke', id, from, message)
    const reason =
      'this stub has the key of another function; deploy what stubEnvironment({ functionId }) returns'
    const text = `An invocation of '${functionId}' was declined: ${reason}.`
    this.desk.discard({ reason: 'key', message: text, from })
    if (mirrored === undefined) this.desk.say(from, { type: 'decline', id, reason })
  }

  /**
   * False if this session's epoch is so far ahead that stubs ignore its answers, or if a stub's epoch (from a wrong
   * clock, or forged) is so far ahead that it would break the name.
   */
  #clocksAgree(message: StubMessage, from: string): boolean {
    const { clock, identity, discard } = this.desk
    const now = clock.now()
    if (message.epoch > identity.epoch && isTooFarAhead(message.epoch, now)) {
      const text = `A stub claims an epoch ${daysBetween(message.epoch, now)} days ahead of this machine's clock: set the clock, or somebody forges.`
      discard({ reason: 'clock', message: text, from })
      return false
    }
    if (message.type !== 'invoke' || !isFarAhead(identity.epoch, message.sentAt)) return true
    const text = `This session's epoch is ${daysBetween(identity.epoch, message.sentAt)} days ahead of a stub's clock, so that stubs ignore it: set this machine's clock, and open the session anew.`
    discard({ reason: 'clock', message: text, from })
    return false
  }

  #on<E extends keyof Events>(event: E, id: string, from: string, input: Events[E]): void {
    const { records } = this.desk
    const record = records.get(id) ?? ({ state: 'unknown', id, from } as const)
    // While closing, it stays silent about new invocations, so that another session can take them.
    if (record.state === 'unknown' ? this.#closing : record.state !== 'over' && record.from !== from) return
    if (event === 'invoke' && REPEATED.includes(record.state)) this.desk.counters.duplicateInvocations++
    apply(this.desk, event, record, input)
  }

  #onAll(event: 'close' | 'abandon' | 'signal', reason: TetherError): void {
    for (const record of this.desk.records.open()) apply(this.desk, event, record, reason)
  }

  async #onPresign({ id, bytes }: PresignMessage, from: string): Promise<void> {
    if (this.#closing) return
    const { payloads, say } = this.desk
    try {
      say(from, { type: 'url', id, ...(await payloads.presignEvent(bytes)) })
    } catch (error) {
      payloads.failed(error as TetherError)
      say(from, { type: 'error', id, error: toLambdaError(error) })
    }
  }
}
