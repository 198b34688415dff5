import { type LambdaError, TetherError, toLambdaError } from '../base/errors.js'
import type { InvocationContext } from '../contracts/handler.js'
import type { Mirrored } from '../wire/protocol.js'

/** How an invocation ends. */
export type Answer =
  | { readonly kind: 'value'; readonly body: Uint8Array }
  | { readonly kind: 'error'; readonly error: LambdaError }

/** What arrived for one invocation. */
export interface InvocationData {
  readonly id: string
  readonly functionId: string
  readonly environmentId: string
  readonly eventBytes: Uint8Array
  readonly context: InvocationContext
  readonly env: Readonly<Record<string, string>>
  readonly rerun: boolean
  readonly mirrored: Mirrored | false
  /** In Unix milliseconds on this machine's clock. */
  readonly deadline: number
  readonly signal: AbortSignal
}

/** The session, as an invocation sees it. */
export interface InvocationOwner {
  now(): number
  /** `answered` by this side, or `ended` from outside: by the deadline, the stub, or the session. */
  state(): 'running' | 'answered' | 'ended'
  acknowledge(): void
  settle(answer: Answer): Promise<void>
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
  /** Fires at the remote deadline, when the stub gives up and when the session closes. */
  readonly signal: AbortSignal
  /** The function's deadline in Unix milliseconds on this machine's clock. */
  readonly deadline: number
  readonly #owner: InvocationOwner
  #event: { value: E } | undefined

  /** Sessions make invocations; a host receives them. */
  constructor(data: InvocationData, owner: InvocationOwner) {
    this.id = data.id
    this.functionId = data.functionId
    this.environmentId = data.environmentId
    this.eventBytes = data.eventBytes
    this.context = data.context
    this.env = data.env
    this.rerun = data.rerun
    this.mirrored = data.mirrored
    this.signal = data.signal
    this.deadline = data.deadline
    this.#owner = owner
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
    return this.#owner.state() !== 'running'
  }

  /** Milliseconds until the remote deadline, never below 0. */
  remainingMs(): number {
    return Math.max(0, this.deadline - this.#owner.now())
  }

  /**
   * Takes the invocation: nothing else will run it. Resolves at once; the message leaves 25 ms later, or never
   * when the answer is there by then.
   * @throws TetherError `ALREADY_SETTLED`
   */
  async ack(): Promise<void> {
    if (this.#owner.state() === 'answered') throw this.#alreadySettled()
    if (!this.settled) this.#owner.acknowledge()
  }

  /**
   * Answers with a JSON value (`undefined` becomes `null`). Resolves when the answer is kept and has been handed to
   * the broker; where that fails it is sent again when the stub asks. Where the invocation has ended from outside (see
   * `signal`) nothing waits for it: it is reported as `discard`.
   * @throws TetherError `ALREADY_SETTLED`; `INVALID_OPTION` for what is not JSON, which settles nothing
   */
  async respond(value?: unknown): Promise<void> {
    if (this.#owner.state() === 'answered') throw this.#alreadySettled()
    let text: string | undefined
    try {
      text = JSON.stringify(value === undefined ? null : value)
    } catch (cause) {
      throw new TetherError('INVALID_OPTION', `The response is not JSON: ${(cause as Error).message}`, {
        cause,
      })
    }
    if (text === undefined) {
      throw new TetherError('INVALID_OPTION', `The response is not JSON: it is a ${typeof value}.`)
    }
    await this.#owner.settle({ kind: 'value', body: Buffer.from(text) })
  }

  /** Fails it with anything thrown; the remote gets `{ errorType, errorMessage, trace }`. @throws TetherError `ALREADY_SETTLED` */
  async fail(error: unknown): Promise<void> {
    if (this.#owner.state() === 'answered') throw this.#alreadySettled()
    await this.#owner.settle({ kind: 'error', error: toLambdaError(error) })
  }

  #alreadySettled(): TetherError {
    return new TetherError(
      'ALREADY_SETTLED',
      `Invocation ${this.id} of '${this.functionId}' already has its outcome.`,
    )
  }
}
