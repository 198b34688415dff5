import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel'
import { toLambdaError } from './errors.js'

/** Names of this package's tracing channels in `node:diagnostics_channel`, one for each stage of an invocation. */
export const tracingChannels = {
  /** In the session: an invocation, from its arrival to its outcome. */
  invocation: 'lambda-tether:invocation',
  /** In the session: local code, in its executor. */
  execute: 'lambda-tether:execute',
  /** In the session: the build of a function's code, when first needed and at each reload. */
  build: 'lambda-tether:build',
  /** In the stub: an invocation, from the handler's call to the session's answer. */
  call: 'lambda-tether:call',
  /** On both sides: one attempt to connect to the broker. */
  connect: 'lambda-tether:connect',
} as const

/**
 * The context of one run of a stage: the same object from `start` to `asyncEnd`. Never holds payloads, variables, keys
 * or URLs.
 */
export interface TraceContext {
  /** The same on both sides: 128 random bits as base64url, fresh for every handler call of a stub. */
  readonly invocationId?: string
  readonly functionId?: string
  /** The AWS request id. */
  readonly requestId?: string
  /** The invocation's X-Ray header, where Lambda gave one. */
  readonly traceId?: string
  /** The session's name. */
  readonly session?: string
  /** The remote execution environment. */
  readonly environmentId?: string
  /** True when an earlier session received the invocation and may have run it. */
  readonly rerun?: boolean
  /** When the invocation's first part arrived, in Unix milliseconds. */
  readonly arrivedAt?: number
  /** The executor's name. */
  readonly executor?: string
  /** The transport's name. */
  readonly transport?: string
  readonly app?: string
  readonly stage?: string
  /** The stage that contains this one, for `execute` and `build` within an invocation. */
  readonly parent?: TraceContext
  /** The failure, set from `error` on. Only its type: a message of local code may hold anything. */
  error?: { readonly errorType: string }
}

type StageName = keyof typeof tracingChannels

// Channels belong to the process: the same name is the same channel for every copy of this module.
const channels: Record<StageName, TracingChannel<unknown, TraceContext>> = {
  invocation: tracingChannel(tracingChannels.invocation),
  execute: tracingChannel(tracingChannels.execute),
  build: tracingChannel(tracingChannels.build),
  call: tracingChannel(tracingChannels.call),
  connect: tracingChannel(tracingChannels.connect),
}

/** One run of a stage that has subscribers. */
export class Trace {
  readonly context: TraceContext
  readonly #channel: TracingChannel<unknown, TraceContext>
  #ended = false
  #finished = false

  constructor(channel: TracingChannel<unknown, TraceContext>, context: TraceContext) {
    this.#channel = channel
    this.context = context
  }

  /**
   * Starts the run. Stores bound to its channel are in force for `work` and for everything asynchronous that it starts.
   */
  run<T>(work: () => T): T {
    return this.#channel.start.runStores(this.context, () => {
      try {
        return work()
      } finally {
        this.#end()
      }
    })
  }

  /**
   * Starts the run without binding stores: a connection outlives the attempt, and its later frames are no part of it.
   */
  start(): void {
    this.#channel.start.publish(this.context)
    this.#end()
  }

  /** Ends the run, once. @param errorType the error's type, if it failed */
  finish(errorType?: string): void {
    if (this.#finished) return
    this.#finished = true
    this.#end()
    if (errorType !== undefined) {
      this.context.error = { errorType }
      this.#channel.error.publish(this.context as TraceContext & { error: unknown })
    }
    this.#channel.asyncStart.publish(this.context)
    this.#channel.asyncEnd.publish(this.context)
  }

  /** Ends the run with a thrown value. */
  fail(thrown: unknown): void {
    this.finish(toLambdaError(thrown).errorType)
  }

  // Published before `asyncStart`, even when the outcome is known before `run` returns.
  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#channel.end.publish(this.context)
  }
}

/** Whether a stage has subscribers. */
export function isTraced(stage: StageName): boolean {
  return channels[stage].hasSubscribers
}

/** A run of a stage, or undefined without subscribers. Untraced, it costs one comparison. */
export function traceOf(stage: StageName, context: () => TraceContext): Trace | undefined {
  const channel = channels[stage]
  return channel.hasSubscribers ? new Trace(channel, context()) : undefined
}

/** The context of a stage within another. If the outer stage is traced, adds its ids and refers to it as `parent`. */
export function partOf(parent: TraceContext | undefined, own: TraceContext): TraceContext {
  if (parent === undefined) return own
  const { rerun: _rerun, arrivedAt: _arrivedAt, error: _error, ...ids } = parent
  return { ...ids, ...own, parent }
}

/** Runs `work`, traced if there is a trace. @param errorTypeOf gives the error type of a result that is a failure */
export function traced<T>(
  trace: Trace | undefined,
  work: () => Promise<T>,
  errorTypeOf?: (result: T) => string | undefined,
): Promise<T> {
  return trace === undefined ? work() : follow(trace, work, errorTypeOf)
}

async function follow<T>(
  trace: Trace,
  work: () => Promise<T>,
  errorTypeOf: ((result: T) => string | undefined) | undefined,
): Promise<T> {
  try {
    const result = await trace.run(work)
    trace.finish(errorTypeOf?.(result))
    return result
  } catch (error) {
    trace.fail(error)
    throw error
  }
}
