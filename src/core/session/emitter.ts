import { EventEmitter } from 'eventemitter3'
import type { Clock } from '../base/clock.js'
import { isThenable } from '../base/deferred.js'
import { TetherError } from '../base/errors.js'
import { kindOf } from '../base/options.js'
import { type EventTime, SESSION_EVENTS, type SessionEvents } from './events.js'
import { Invocation } from './invocation.js'

type EventName = keyof SessionEvents
/** Events that pass their time as a separate, last argument. */
type TimedEvent = 'invoke' | 'ack' | 'sent' | 'team' | 'status' | 'discard' | 'close'
type WithoutTime<Args extends unknown[]> = Args extends [...infer Rest, EventTime] ? Rest : never
type Listener = (...args: never[]) => unknown

/** An emitter that isolates its listeners: an exception in one does not affect the others or the emitter. */
export class SessionEmitter {
  readonly #emitter = new EventEmitter<Record<string, (...args: unknown[]) => void>>()
  readonly #wrappers = new Map<string, Map<Listener, (...args: unknown[]) => void>>()
  readonly #clock: Clock
  #openedAt: number | undefined
  #lastMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Called by `open()`. Times count from the first call. */
  opened(): void {
    this.#openedAt ??= this.reading()
  }

  /** Milliseconds from any start, for measuring with {@link since}. */
  reading(): number {
    return this.#clock.monotonic?.() ?? this.#clock.now()
  }

  /** The time of an event emitted now. */
  at(): EventTime {
    const reading = this.reading()
    // An injected clock may have no monotonic time.
    this.#lastMs = Math.max(this.#lastMs, reading - (this.#openedAt ?? reading))
    return { atMs: this.#lastMs }
  }

  /** The time of an event emitted now, and the milliseconds since a reading, rounded to tenths. */
  since(startedAt: number): EventTime & { readonly durationMs: number } {
    const durationMs = Math.round(Math.max(0, this.reading() - startedAt) * 10) / 10
    return { ...this.at(), durationMs }
  }

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

  /** Emits an event with the current time. */
  emitNow<K extends TimedEvent>(name: K, ...args: WithoutTime<Parameters<SessionEvents[K]>>): void {
    this.#emitter.emit(name, ...args, this.at())
  }

  /** Whether an event has listeners. */
  isHeard(name: EventName): boolean {
    return this.#emitter.listenerCount(name) > 0
  }

  emit<K extends EventName>(name: K, ...args: Parameters<SessionEvents[K]>): void {
    this.#emitter.emit(name, ...args)
  }

  #call(name: EventName, listener: Listener, args: unknown[]): void {
    const invocation = args[0] instanceof Invocation && name === 'invoke' ? args[0] : undefined
    const free = invocation !== undefined && !Invocation.isTaken(invocation)
    // A listener can take an invocation only before its first `await`.
    const taken = () => (free && Invocation.isTaken(invocation) ? invocation : undefined)
    try {
      const returned: unknown = Reflect.apply(listener, undefined, args)
      if (!isThenable(returned)) return
      const its = taken()
      returned.then(undefined, (error: unknown) => this.#failed(name, error, its))
    } catch (error) {
      this.#failed(name, error, taken())
    }
  }

  /** @param taken the invocation that the listener has taken */
  #failed(name: EventName, error: unknown, taken: Invocation | undefined): void {
    // If it is settled already, the failure is reported below, since nothing else would show it.
    if (taken !== undefined && !taken.settled) return void taken.fail(error).catch(() => {})
    if (name === 'status') {
      process.emitWarning(error instanceof Error ? error : String(error), 'LambdaTetherListenerWarning')
      return
    }
    this.emitNow('status', { state: 'listener-failed', event: name, error })
  }
}
