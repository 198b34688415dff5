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

/** The fields of an `invoke` that an invocation needs. */
export type Call = Pick<
  InvokeMessage,
  'functionId' | 'context' | 'remainingMs' | 'ageMs' | 'ackedBy' | 'mirrored' | 'streams' | 'also'
>

/** A complete `invoke` with its environment; the event may still be in the payload store. Also represents a replay. */
export interface Arrival {
  readonly id: string
  /** The stub that waits. For a replay, the stub of the function's last invocation. */
  readonly from: string
  readonly message: Call
  readonly environment: Environment
  /** When its first part arrived, in Unix milliseconds on this machine's clock. */
  readonly arrivedAt: number
  /** Set for a replay: receives its end. Stubs are not told. */
  readonly replay?: ((end: ReplayEnd) => void) | undefined
}

/** Whether a stub waits for the answer. */
export function isAwaited({ message, replay }: Arrival): boolean {
  return message.mirrored === undefined && replay === undefined
}

/** Advice for a listener that answers too late or not at all. */
export const TAKE_IN_TIME =
  "A listener of 'invoke' takes an invocation by calling ack() before its first await (or respond() or fail())."

/** How an invocation ended: answered by this side, not taken by any listener, or ended by an outside cause. */
export type InvocationEnd = 'answered' | 'dismissed' | TetherError

/** The session from the viewpoint of an invocation. */
export interface InvocationOwner {
  readonly clock: Clock
  acknowledge(invocation: Invocation): void
  /** Resolves when the answer has left. */
  settle(invocation: Invocation, answer: Answer): Promise<void>
  /** Resolves when the invocation has ended, with its stream or earlier. Never rejects. */
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
   * Whether the function itself answers and this is a copy with a discarded response. `event`: the copy has the event.
   * `metadata`: the event was too large, so `event` is null, and served code does not run it.
   */
  readonly mirrored: Mirrored | false
  /** Whether `session.replay` started it. The outcome then goes only to the caller of `replay`. */
  readonly replayed: boolean
  /** Fires at the remote deadline, when the stub or the caller of a replay gives up, and when the session closes. */
  declare readonly signal: AbortSignal
  /** The function's deadline in Unix milliseconds on this machine's clock. */
  readonly deadline: number
  readonly #owner: InvocationOwner
  #event: { value: E } | undefined
  #end: InvocationEnd | undefined
  #taken = false
  /** Why listeners can no longer take it. */
  #withdrawn: string | undefined
  #abort: AbortController | undefined
  /** The response, if it is streamed. */
  #stream: WrittenStream | undefined

  // Created on first access: a signal costs more than the rest of an invocation, and is rarely read. An own property,
  // so that `{ ...invocation }` includes it.
  static readonly #signal: PropertyDescriptor = {
    enumerable: true,
    get(this: Invocation) {
      this.#abort ??= new AbortController()
      if (this.#end instanceof TetherError) this.#abort.abort(this.#end)
      return this.#abort.signal
    },
  }

  /** Called by sessions only; a host receives invocations. */
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
    // The transfer time of its parts has already passed for the function, too.
    this.deadline = arrivedAt + message.remainingMs
    this.#owner = owner
    Object.defineProperty(this, 'signal', Invocation.#signal)
  }

  /** Called by the session when the invocation has ended. An outside cause fires the signal. */
  static end(invocation: Invocation, end: InvocationEnd): void {
    invocation.#end = end
    if (end instanceof TetherError) invocation.#abort?.abort(end)
  }

  /** Whether a listener or `next()` has taken it. */
  static isTaken(invocation: Invocation): boolean {
    return invocation.#taken
  }

  /** Marks it as taken, for `next()`. */
  static take(invocation: Invocation): void {
    invocation.#taken = true
  }

  /** Called when no listener took it. @param fate the invocation's fate, for messages */
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
   * Takes the invocation: nothing else will run it. Resolves at once. The message is sent 25 ms later, or not at all if
   * the answer is ready by then.
   * @throws TetherError `ALREADY_SETTLED`; `NOT_TAKEN` if a listener calls it after an `await`
   */
  async ack(): Promise<void> {
    this.#take()
    if (!this.settled) this.#owner.acknowledge(this)
  }

  /**
   * Answers with a JSON value (`undefined` becomes `null`). Resolves when the answer is kept and has been handed to the
   * broker; if that fails, it is sent again when the stub asks. If the invocation was ended from outside (see
   * `signal`), the answer is reported as `discard`.
   * @throws TetherError `ALREADY_SETTLED`; `NOT_TAKEN` as in `ack`; `INVALID_OPTION` for a value that is not JSON,
   * which leaves the invocation unsettled
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
   * Answers with a stream. A function that streams receives the bytes as they are written; any other receives the whole
   * response, up to 6,291,556 bytes. `write` signals back-pressure, `destroy(error)` fails the invocation, and the
   * stream is destroyed when the invocation is ended from outside (see `signal`).
   * @throws TetherError `ALREADY_SETTLED`; `NOT_TAKEN` as in `ack`; `INVALID_OPTION`
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
   * Fails the invocation with any thrown value; the remote function gets `{ errorType, errorMessage, trace }`. A
   * response that is being streamed ends with the error.
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
