import { EventEmitter } from 'eventemitter3'
import { type LambdaError, TetherError } from '../base/errors.js'
import { kindOf } from '../base/options.js'
import type { LogEntry } from '../contracts/executor.js'
import type { BuildWarning } from '../contracts/function-source.js'
import type { LinkStatus } from '../link/link.js'
import type { Discard } from '../wire/counters.js'
import type { Invocation } from './invocation.js'

/** A line of local output and the invocation that wrote it. */
export interface LogEvent extends LogEntry {
  readonly functionId: string
  readonly environmentId: string
  readonly invocationId: string
  /** The AWS request id of that invocation. */
  readonly requestId: string
}

/** A function's local code was built anew, or could not be; or it was built because an invocation needed it, with warnings. */
export interface ReloadEvent {
  readonly functionId: string
  /**
   * From the change, or the call of `reload`, until the new code was loaded in the worker of the next invocation, or, where
   * none stands by, until it was built.
   */
  readonly durationMs: number
  /**
   * Why there is no new code: `BUILD_FAILED`, whose details have `file`, `line`, `column` and `text` where they are known.
   * Invocations fail with it until the next reload, or with `onBuildError: 'keep'` get the last build that was good. Code that
   * was built and could not be loaded has its `errorType` and `trace` there, and invocations fail as it does.
   */
  readonly error?: TetherError
  /** What the build has to say about code that it has built all the same: print it. */
  readonly warnings: readonly BuildWarning[]
}

/** What became of the session's connection, or of a listener that threw. */
export type SessionStatus =
  | LinkStatus
  /**
   * What the session sent to its own name has not come back within 3 s: the broker accepts and drops it, as it does by an access
   * list. `error` (`UNREACHABLE`) has what has to be allowed, as `details.addresses` and in words.
   */
  | { readonly state: 'unheard'; readonly error: TetherError }
  /** The payload store could not do what nobody waits for, or what a stub waited for and was told. */
  | { readonly state: 'store-failed'; readonly error: TetherError }
  | { readonly state: 'listener-failed'; readonly event: string; readonly error: unknown }

/**
 * The events of a session. None is named `error`: what arrives from outside never crashes a host that forgot a
 * listener. A listener that throws reaches no other listener; it is reported as `status`.
 */
export interface SessionEvents {
  /**
   * An invocation arrived. A listener takes it by calling `ack`, `respond` or `fail` before its first `await`, or,
   * where nothing is served, by being there. What it throws or rejects with becomes the invocation's `fail`.
   */
  invoke: (invocation: Invocation) => unknown
  /** An acknowledgement left for the stub; an invocation that answers within 25 ms needs none. */
  ack: (invocation: Invocation) => void
  /** The invocation has its response, of `bytes` bytes of JSON. */
  respond: (invocation: Invocation, result: { readonly bytes: number; readonly durationMs: number }) => void
  /** The invocation has failed: by local code, by `fail()`, at its deadline, or because the stub gave up. */
  fail: (invocation: Invocation, result: { readonly error: LambdaError; readonly durationMs: number }) => void
  /** Local code wrote a line. */
  log: (entry: LogEvent) => void
  /** A function's code was loaded anew, or could not be. */
  reload: (event: ReloadEvent) => void
  /** The connection's state changed, or something failed that nobody waits for. */
  status: (status: SessionStatus) => void
  /** Another session was opened under this name: this one has ended and makes no further attempt. `close` follows. */
  displaced: () => void
  /** Something that arrived was dropped; nothing was run because of it. */
  discard: (discard: Discard) => void
  /** The session has closed; nothing comes after. */
  close: () => void
}

/** Every event's name, to tell a misspelt one at run time. */
const SESSION_EVENTS: readonly string[] = [
  'invoke',
  'ack',
  'respond',
  'fail',
  'log',
  'reload',
  'status',
  'displaced',
  'discard',
  'close',
] satisfies (keyof SessionEvents)[]

type EventName = keyof SessionEvents
type Listener = (...args: never[]) => unknown

/** An emitter whose listeners cannot harm each other or the emitter. */
export class SessionEmitter {
  readonly #emitter = new EventEmitter<Record<string, (...args: unknown[]) => void>>()
  readonly #wrappers = new Map<string, Map<Listener, (...args: unknown[]) => void>>()

  on(name: EventName, listener: Listener, once = false): void {
    if (!SESSION_EVENTS.includes(name)) {
      throw new TetherError(
        'INVALID_OPTION',
        `A session has no event '${String(name)}'; it has ${SESSION_EVENTS.join(', ')}.`,
      )
    }
    if (typeof listener !== 'function') {
      throw new TetherError(
        'INVALID_OPTION',
        `A listener of '${name}' must be a function, not ${kindOf(listener)}.`,
      )
    }
    const wrapper = (...args: unknown[]) => {
      if (once) this.off(name, listener)
      this.#call(name, listener, args)
    }
    const wrappers = this.#wrappers.get(name) ?? new Map()
    this.off(name, listener)
    wrappers.set(listener, wrapper)
    this.#wrappers.set(name, wrappers)
    this.#emitter.on(name, wrapper)
  }

  off(name: EventName, listener: Listener): void {
    const wrapper = this.#wrappers.get(name)?.get(listener)
    if (wrapper === undefined) return
    this.#wrappers.get(name)?.delete(listener)
    this.#emitter.off(name, wrapper)
  }

  emit<K extends EventName>(name: K, ...args: Parameters<SessionEvents[K]>): void {
    this.#emitter.emit(name, ...args)
  }

  listenerCount(name: EventName): number {
    return this.#emitter.listenerCount(name)
  }

  #call(name: EventName, listener: Listener, args: unknown[]): void {
    try {
      const returned: unknown = Reflect.apply(listener, undefined, args)
      if (isThenable(returned)) returned.then(undefined, (error: unknown) => this.#failed(name, args, error))
    } catch (error) {
      this.#failed(name, args, error)
    }
  }

  #failed(name: EventName, args: unknown[], error: unknown): void {
    if (name === 'invoke') {
      const invocation = args[0] as Invocation
      // Where it is settled already, the failure would otherwise be seen by nobody.
      if (!invocation.settled) return void invocation.fail(error).catch(() => {})
    }
    if (name === 'status') {
      process.emitWarning(error instanceof Error ? error : String(error), 'LambdaTetherListenerWarning')
      return
    }
    this.emit('status', { state: 'listener-failed', event: name, error })
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function'
}
