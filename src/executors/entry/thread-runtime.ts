import { AsyncLocalStorage } from 'node:async_hooks'
import { getHeapStatistics } from 'node:v8'
import type { LambdaError } from '../../core/base/errors.js'
import type { Handler } from '../../core/contracts/handler.js'
import type { CreditMessage, LoadMessage, RunMessage, ThreadData, ThreadMessage } from '../thread/messages.js'
import { callHandler, type HandlerEnd, serialiseResponse } from './call-handler.js'
import { loadDependencies, loadHandler } from './load-handler.js'
import { captureOutput } from './output/capture-output.js'
import { quietRequire } from './quiet-require.js'
import { toSafeError, unhandledRejection } from './reported-errors.js'
import { runtimeError } from './runtime-errors.js'
import { streamingOf } from './streaming/awslambda.js'
import { callStreamingHandler, type StreamingCall } from './streaming/call-streaming-handler.js'
import { PortSink } from './streaming/port-sink.js'

/** An invocation that has not been answered yet. */
interface Current {
  readonly sequence: number
  atEmptyLoop: () => void
  /** The destination of its response, if it streams. */
  sink?: PortSink
}

/** The Lambda runtime inside a worker thread: loads the handler, runs one invocation at a time, reports. */
export class ThreadRuntime {
  readonly #data: ThreadData
  /** The invocation that started the current work; also set in work that outlives its invocation. */
  readonly #origin = new AsyncLocalStorage<number>()
  #handler: Handler | undefined
  #loading: Promise<Handler> | undefined
  #current: Current | undefined
  #latest = 0
  #broken = false

  constructor(data: ThreadData) {
    this.#data = data
  }

  start(): void {
    const { port, env, dependencies } = this.#data
    Object.assign(process.env, env)
    process.setSourceMapsEnabled(true)
    quietRequire(process)
    captureOutput((stream, text) => {
      const sequence = this.#origin.getStore() ?? this.#latest
      this.#post({ kind: 'output', sequence, stream, text, time: Date.now() })
    })
    process.on('uncaughtException', (error) => this.#break(toSafeError(error)))
    process.on('unhandledRejection', (reason) => this.#break(unhandledRejection(reason)))
    // Only user code keeps the event loop busy while an invocation runs: see #begin.
    process.on('beforeExit', () => {
      // The thread stays in any case: its host decides when it ends.
      port.ref()
      this.#current?.atEmptyLoop()
    })
    port.on('message', (message: LoadMessage | RunMessage | CreditMessage) => {
      if (message.kind === 'load') void this.#load(message)
      else if (message.kind === 'run') void this.#run(message)
      else if (this.#current?.sequence === message.sequence) this.#current.sink?.credit(message.bytes)
    })
    void this.#prepare(dependencies)
  }

  async #prepare(dependencies: string | undefined): Promise<void> {
    if (dependencies !== undefined) await loadDependencies(dependencies)
    this.#post({ kind: 'ready', memoryBytes: memoryBytes() })
  }

  async #load({ env, ...code }: LoadMessage): Promise<void> {
    Object.assign(process.env, env)
    this.#loading = loadHandler(code)
    let error: LambdaError | undefined
    // The first invocation reports the error as well, but may not have arrived yet.
    this.#handler = await this.#loading.catch((thrown: unknown) => {
      error = toSafeError(thrown)
      return undefined
    })
    this.#post({ kind: 'loaded', memoryBytes: memoryBytes(), ...(error && { error }) })
  }

  async #run(message: RunMessage): Promise<void> {
    if (this.#broken) return
    const current = this.#begin(message)
    try {
      // Awaited only once: with a loaded handler, the call happens in the turn in which the event arrives.
      if (!this.#handler) this.#handler = await this.#loading
    } catch (error) {
      // Another import would fail from the module cache; a new thread may succeed.
      this.#broken = true
      this.#answer(current, () => ({
        kind: 'error',
        sequence: current.sequence,
        error: toSafeError(error),
        fatal: true,
      }))
      return
    }
    if (this.#current !== current) return
    this.#origin.run(current.sequence, () => this.#call(this.#handler as Handler, message, current))
  }

  #begin({ sequence }: RunMessage): Current {
    const current: Current = {
      sequence,
      // Until the handler is called: handles a module that awaits forever.
      atEmptyLoop: () => {
        this.#broken = true
        const problem = 'The event loop is empty and the module of the handler has not finished loading.'
        this.#answer(current, () => this.#error(sequence, runtimeError('NodeJsExit', problem), true))
      },
    }
    this.#current = current
    this.#latest = sequence
    Atomics.store(this.#data.begun, 0, sequence)
    this.#data.port.unref()
    return current
  }

  #call(handler: Handler, message: RunMessage, current: Current): void {
    let event: unknown
    try {
      event = JSON.parse(
        Buffer.from(message.event.buffer, message.event.byteOffset, message.event.byteLength).toString(),
      )
    } catch (error) {
      this.#answer(current, () => this.#error(current.sequence, error, false))
      return
    }
    const { context, deadline } = message
    setVariables({ ...message.envChanges, _X_AMZN_TRACE_ID: context.traceId ?? null })
    const streaming = streamingOf(handler)
    if (streaming) return this.#stream({ handler, event, context, deadline, streaming }, current)
    const onEnd = (end: HandlerEnd) => this.#answer(current, () => this.#messageOf(current.sequence, end))
    current.atEmptyLoop = callHandler({ handler, event, context, deadline, onEnd })
  }

  #stream(call: Omit<StreamingCall, 'sink'>, current: Current): void {
    // Like the official client's request, the stream keeps the event loop busy until its end.
    this.#data.port.ref()
    const { sequence } = current
    const sink = new PortSink(sequence, (message) => this.#post(message))
    current.sink = sink
    void callStreamingHandler({ ...call, sink }).then(() =>
      this.#answer(current, () => ({ kind: 'streamed', sequence, memoryBytes: memoryBytes() })),
    )
  }

  #answer(current: Current, message: () => ThreadMessage): void {
    if (this.#current !== current) return
    const answer = message()
    this.#current = undefined
    this.#data.port.ref()
    this.#post(answer)
  }

  #messageOf(sequence: number, end: HandlerEnd): ThreadMessage {
    if ('thrown' in end) return this.#error(sequence, end.thrown, false)
    try {
      return { kind: 'value', sequence, body: serialiseResponse(end.value), memoryBytes: memoryBytes() }
    } catch (error) {
      return this.#error(sequence, error, false)
    }
  }

  #error(sequence: number, thrown: unknown, fatal: boolean): ThreadMessage {
    return { kind: 'error', sequence, error: toSafeError(thrown), fatal }
  }

  /** Handles a failure outside any awaited promise: on Lambda, it ends the process. */
  #break(error: LambdaError): void {
    if (this.#broken) return
    this.#broken = true
    const current = this.#current
    if (current) {
      this.#answer(current, () => ({ kind: 'error', sequence: current.sequence, error, fatal: true }))
      return
    }
    const text = `${error.trace.length > 0 ? error.trace.join('\n') : error.errorMessage}\n`
    this.#post({ kind: 'output', sequence: this.#latest, stream: 'stderr', text, time: Date.now() })
    this.#post({ kind: 'broken', error })
  }

  #post(message: ThreadMessage): void {
    const { kind } = message
    const bytes = kind === 'value' ? message.body : kind === 'chunk' ? message.bytes : undefined
    this.#data.port.postMessage(message, bytes ? [bytes.buffer as ArrayBuffer] : [])
  }
}

function memoryBytes(): number {
  const { used_heap_size: heap, malloced_memory: malloced, external_memory: external } = getHeapStatistics()
  return heap + malloced + external
}

// Only after the module has loaded: it must not keep variables of one invocation.
function setVariables(changes: Readonly<Record<string, string | null>>): void {
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) delete process.env[name]
    else process.env[name] = value
  }
}
