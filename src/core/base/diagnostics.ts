import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel'
import { toLambdaError } from './errors.js'

/** The names of this package's tracing channels in `node:diagnostics_channel`: one for each stage of an invocation. */
export const tracingChannels = {
  /** In the session: an invocation, from its arrival to its outcome. */
  invocation: 'lambda-tether:invocation',
  /** In the session: local code, in its executor. */
  execute: 'lambda-tether:execute',
  /** In the session: a function's code being built, when first needed and at each reload. */
  build: 'lambda-tether:build',
  /** In the stub: an invocation, from the handler's call to what the session answered. */
  call: 'lambda-tether:call',
  /** On both sides: one attempt to connect to the broker. */
  connect: 'lambda-tether:connect',
} as const

/**
 * What a tracing channel says of one run of its stage: the same object from `start` to `asyncEnd`. Never holds payloads,
 * variables, keys or URLs.
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
  /** The stage that this one is part of: `execute` and `build` of an invocation. */
  readonly parent?: TraceContext
  /** Why it failed, from `error` on: the type alone, since what local code says in a message may be anything. */
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

/** One run of a stage that somebody listens to. */
export class Trace {
  readonly context: TraceContext
  readonly #channel: TracingChannel<unknown, TraceContext>
  #ended = false
  #finished = false

  constructor(channel: TracingChannel<unknown, TraceContext>, context: TraceContext) {
    this.#channel = channel
    this.context = context
  }

  /** Starts it, with the stores that are bound to its channel in force for `work` and for what comes of it. */
  run<T>(work: () => T): T {
    return this.#channel.start.runStores(this.context, () => {
      try {
        return work()
      } finally {
        this.#end()
      }
    })
  }

  /** Starts it, binding nothing: a connection outlives the attempt, and what it delivers is no part of it. */
  start(): void {
    this.#channel.start.publish(this.context)
    this.#end()
  }

  /** Ends it, once. @param errorType why it failed, if it did */
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

  /** Ends it with what was thrown. */
  fail(thrown: unknown): void {
    this.finish(toLambdaError(thrown).errorType)
  }

  // Before `asyncStart`, also where the outcome is there before `run` returns.
  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#channel.end.publish(this.context)
  }
}

/** Whether anybody listens to a stage. */
export function isTraced(stage: StageName): boolean {
  return channels[stage].hasSubscribers
}

/** A run of a stage, or undefined where nobody listens: then it costs one comparison. */
export function traceOf(stage: StageName, context: () => TraceContext): Trace | undefined {
  const channel = channels[stage]
  return channel.hasSubscribers ? new Trace(channel, context()) : undefined
}

/** The context of a stage within another, where that one is traced: it says of what. */
export function partOf(parent: TraceContext | undefined, own: TraceContext): TraceContext {
  if (parent === undefined) return own
  const { rerun: _rerun, arrivedAt: _arrivedAt, error: _error, ...ids } = parent
  return { ...ids, ...own, parent }
}

/** Runs `work`, traced where somebody listens. @param errorTypeOf says of a result that it is a failure */
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
