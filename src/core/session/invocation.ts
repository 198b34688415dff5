import type { Writable } from 'node:stream'
import { onAbort } from '../base/abort.js'
import type { Clock } from '../base/clock.js'
import { HandlerError, TetherError, toLambdaError } from '../base/errors.js'
import { kindOf } from '../base/options.js'
import type { Answer, StreamedResponse } from '../contracts/executor.js'
import type { InvocationContext } from '../contracts/handler.js'
import type { InvokeMessage, Mirrored } from '../wire/protocol.js'
import type { Environment } from './environments.js'
import type { ReplayEnd } from './replay/outcome.js'
import { type RespondStreamOptions, WrittenStream } from './streaming/written-stream.js'

/** The outcome for a thrown error. */
export function failure(thrown: unknown): Answer {
  return { kind: 'error', error: toLambdaError(thrown) }
}

/** What of an `invoke` an invocation is made of. */
export type Call = Pick<
  InvokeMessage,
  'functionId' | 'context' | 'remainingMs' | 'ageMs' | 'ackedBy' | 'mirrored' | 'streams' | 'also'
>

/** A whole `invoke` and the environment that it names; its event may still be in the payload store. Or a replay. */
export interface Arrival {
  readonly id: string
  /** The stub that waits; of a replay, that of the function's last invocation. */
  readonly from: string
  readonly message: Call
  readonly environment: Environment
  /** When its first part arrived, in Unix milliseconds on this machine's clock. */
  readonly arrivedAt: number
  /** Of a replay: takes its end, of which no stub hears. */
  readonly replay?: ((end: ReplayEnd) => void) | undefined
}

/** Whether a stub waits for the answer. */
export function isAwaited({ message, replay }: Arrival): boolean {
  return message.mirrored === undefined && replay === undefined
}

/** The advice for a listener that answers too late, or not at all. */
export const TAKE_IN_TIME =
  "A listener of 'invoke' takes an invocation by calling ack() before its first await (or respond() or fail())."

/** How an invocation ended: answered by this side, not wanted by any listener, or for a reason from outside. */
export type InvocationEnd = 'answered' | 'dismissed' | TetherError

/** The session, as an invocation sees it. */
export interface InvocationOwner {
  readonly clock: Clock
  acknowledge(invocation: Invocation): void
  /** Resolves when the answer has left. */
  settle(invocation: Invocation, answer: Answer): Promise<void>
  /** Resolves when the invocation has ended, with its stream or before. Never rejects. */
  stream(invocation: Invocation, outcome: StreamedResponse): Promise<void>
}

/** One request and its one outcome. */
export class Invocation<E = unknown> {
  /** 128 random bits, fresh for every handler call of a stub. */
  readonly id: string
  readonly functionId: string
  /** The remote execution environment. */
  readonly environmentId: string
  /** The event's JSON as it arrived. */
  readonly eventBytes: Uint8Array
  readonly context: InvocationContext
  /** The function's environment variables: its own, its region and its credentials. */
  readonly env: Readonly<Record<string, string>>
  /** True when an earlier session received this invocation and may have run it. */
  readonly rerun: boolean
  /**
   * Whether the function itself answers and this is a copy, whose response goes nowhere: `event` with the event,
   * `metadata` where that was too large: `event` is then null, and nothing that is served runs it.
   */
  readonly mirrored: Mirrored | false
  /** Whether `session.replay` began it: its outcome goes to that caller alone. */
  readonly replayed: boolean
  /** Fires at the remote deadline, when the stub or the caller of a replay gives up, and when the session closes. */
  declare readonly signal: AbortSignal
  /** The function's deadline in Unix milliseconds on this machine's clock. */
  readonly deadline: number
  readonly #owner: InvocationOwner
  #event: { value: E } | undefined
  #end: InvocationEnd | undefined
  #taken = false
  /** Why no listener can take it now. */
  #withdrawn: string | undefined
  #abort: AbortController | undefined
  /** The response, where it is streamed. */
  #stream: WrittenStream | undefined

  // Made when it is read: a signal costs more than the rest of an invocation, and few are read. An own property, so that
  // `{ ...invocation }` has it too.
  static readonly #signal: PropertyDescriptor = {
    enumerable: true,
    get(this: Invocation) {
      this.#abort ??= new AbortController()
      if (this.#end instanceof TetherError) this.#abort.abort(this.#end)
      return this.#abort.signal
    },
  }

  /** Sessions make invocations; a host receives them. */
  constructor(arrival: Arrival, event: Uint8Array, rerun: boolean, owner: InvocationOwner) {
    const { id, from, message, environment, arrivedAt, replay } = arrival
    this.id = id
    this.functionId = message.functionId
    this.environmentId = from
    this.eventBytes = event
    this.context = message.context
    this.env = environment.remote
    this.rerun = rerun
    this.mirrored = message.mirrored ?? false
    this.replayed = replay !== undefined
    // The time that its parts took to arrive is over for the function as well.
    this.deadline = arrivedAt + message.remainingMs
    this.#owner = owner
    Object.defineProperty(this, 'signal', Invocation.#signal)
  }

  /** Called by the session when the invocation has ended. A reason from outside fires the signal. */
  static end(invocation: Invocation, end: InvocationEnd): void {
    invocation.#end = end
    if (end instanceof TetherError) invocation.#abort?.abort(end)
  }

  /** Whether a listener or `next()` has it. */
  static isTaken(invocation: Invocation): boolean {
    return invocation.#taken
  }

  /** Gives it to `next()`. */
  static take(invocation: Invocation): void {
    invocation.#taken = true
  }

  /** No listener took it. @param fate for messages: what became of it */
  static withdraw(invocation: Invocation, fate: string): void {
    invocation.#withdrawn = fate
  }

  /** The event, parsed when first read. @throws TetherError `PROTOCOL` when it is not JSON */
  get event(): E {
    if (this.#event === undefined) {
      try {
        this.#event = { value: JSON.parse(Buffer.from(this.eventBytes).toString('utf8')) as E }
      } catch (cause) {
        throw new TetherError('PROTOCOL', `The event of invocation ${this.id} is not JSON.`, { cause })
      }
    }
    return this.#event.value
  }

  /** True once it has its outcome: answered, failed, past its deadline, or given up by the stub. */
  get settled(): boolean {
    return this.#end !== undefined
  }

  /** Milliseconds until the remote deadline, never below 0. */
  remainingMs(): number {
    return Math.max(0, this.deadline - this.#owner.clock.now())
  }

  /**
   * Takes the invocation: nothing else will run it. Resolves at once; the message leaves 25 ms later, or never
   * when the answer is there by then.
   * @throws TetherError `ALREADY_SETTLED`; `NOT_TAKEN` where a listener calls it after an `await`
   */
  async ack(): Promise<void> {
    this.#take()
    if (!this.settled) this.#owner.acknowledge(this)
  }

  /**
   * Answers with a JSON value (`undefined` becomes `null`). Resolves when the answer is kept and has been handed to
   * the broker; where that fails it is sent again when the stub asks. Where the invocation has ended from outside (see
   * `signal`) nothing waits for it: it is reported as `discard`.
   * @throws TetherError `ALREADY_SETTLED`; `NOT_TAKEN` as `ack` does; `INVALID_OPTION` for what is not JSON, which settles
   * nothing
   */
  async respond(value?: unknown): Promise<void> {
    this.#take()
    let text: string | undefined
    try {
      text = JSON.stringify(value === undefined ? null : value)
    } catch (cause) {
      throw new TetherError('INVALID_OPTION', `The response is not JSON: ${(cause as Error).message}`, {
        cause,
      })
    }
    if (text === undefined) {
      throw new TetherError('INVALID_OPTION', `The response is not JSON: it is ${kindOf(value)}.`)
    }
    await this.#owner.settle(this, { kind: 'value', body: Buffer.from(text) })
  }

  /**
   * Answers with a stream: what is written to it is sent as it comes, to a function that streams; any other gets the whole, up to
   * 6,291,556 bytes. Its `write` tells of back-pressure, its `destroy(error)` fails the invocation, and it is destroyed
   * when the invocation ends from outside (see `signal`).
   * @throws TetherError `ALREADY_SETTLED`; `NOT_TAKEN` as `ack` does; `INVALID_OPTION`
   */
  respondStream(options: RespondStreamOptions = {}): Writable {
    this.#take()
    const stream = new WrittenStream(options)
    this.#stream = stream
    const { contentType, body } = stream
    const unlisten = onAbort(this.signal, () => stream.destroy())
    const response: StreamedResponse = { kind: 'stream', contentType, body }
    void this.#owner.stream(this, response).finally(unlisten)
    return stream
  }

  /**
   * Fails it with anything thrown; the remote gets `{ errorType, errorMessage, trace }`. A response that is being streamed ends with
   * the error.
   * @throws TetherError `ALREADY_SETTLED`, `NOT_TAKEN`
   */
  async fail(error: unknown): Promise<void> {
    if (this.#stream !== undefined && !this.settled)
      return void this.#stream.destroy(new HandlerError(toLambdaError(error)))
    this.#take()
    await this.#owner.settle(this, failure(error))
  }

  #take(): void {
    const which = `Invocation ${this.id} of '${this.functionId}'`
    if (this.#withdrawn !== undefined)
      throw new TetherError('NOT_TAKEN', `${which} ${this.#withdrawn}. ${TAKE_IN_TIME}`)
    if (this.#end === 'answered' || this.#stream !== undefined)
      throw new TetherError('ALREADY_SETTLED', `${which} already has its outcome.`)
    this.#taken = true
  }
}
