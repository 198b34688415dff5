import { Writable } from 'node:stream'
import { deferred } from '../../../core/base/deferred.js'
import { runtimeError } from '../runtime-errors.js'

/** The destination of a response's bytes. */
export interface ResponseSink {
  /** Called once, first: when the code has written to its stream or ended it. */
  begin(contentType: string): void
  /** @param taken called when the sink accepts more */
  write(chunk: Uint8Array, taken: () => void): void
  /** Called once. */
  end(failed?: Failed): void
}

/** The error thrown by the code, or the reason why its stream broke off. */
export interface Failed {
  readonly thrown: unknown
}

/** The type of `_onBeforeFirstWrite` in the official client's streams. */
type BeforeFirstWrite = (write: (chunk: string | Uint8Array) => void) => void

/**
 * The stream that a streaming handler writes to. It behaves like the HTTP request that aws-lambda-ric 4 wraps
 * (response-stream.js): in the values that `write()` accepts, in the time when the prelude leaves, and in that
 * `end(chunk)` does not count as a write.
 */
export class ResponseStream extends Writable {
  /** The object passed to the code: the members of this stream that the official client exposes. */
  readonly facade: object
  _onBeforeFirstWrite: BeforeFirstWrite | undefined
  readonly #sink: ResponseSink
  readonly #over = deferred()
  #contentType = 'application/octet-stream'
  #written = false
  #begun = false
  #ended = false
  #failed: Failed | undefined

  /** @param highWaterMark in bytes. @default Node's own */
  constructor(sink: ResponseSink, highWaterMark?: number) {
    super(highWaterMark === undefined ? {} : { highWaterMark })
    this.#sink = sink
    this.facade = facadeOf(this)
    // Only the code's own listeners, if any, hear of a write after the end.
    this.on('error', () => {})
  }

  /** Resolves when the stream has ended or was destroyed. */
  get over(): Promise<void> {
    return this.#over.promise
  }

  /** @throws an Error named `Runtime.InvalidStreamingOperation` after the first write */
  setContentType(contentType: string): void {
    if (this.#written || this.#begun) {
      throw runtimeError('InvalidStreamingOperation', 'Cannot set content-type, too late.')
    }
    this.#contentType = contentType
  }

  override write(chunk: unknown, ...rest: unknown[]): boolean {
    // The official client reads the chunk's length, with this error.
    if (chunk === null || chunk === undefined) {
      throw new TypeError(`Cannot read properties of ${chunk} (reading 'length')`)
    }
    const write = super.write.bind(this) as (...args: unknown[]) => boolean
    const data = typeof chunk === 'string' || chunk instanceof Uint8Array ? chunk : JSON.stringify(chunk)
    if (!this.#written) this._onBeforeFirstWrite?.((first) => write(first))
    const goesOn = write(data, ...rest)
    this.#written = true
    return goesOn
  }

  /**
   * Ends the stream with an error thrown by the code.
   * @returns false if the stream has already ended, so that the error is lost
   */
  fail(thrown: unknown): boolean {
    if (this.writableEnded || this.destroyed) return false
    this.#failed = { thrown }
    this.end()
    return true
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, taken: () => void): void {
    this.#begin()
    this.#sink.write(chunk, taken)
  }

  override _final(done: () => void): void {
    this.#end(this.#failed)
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const problem = `The response stream was destroyed before it had ended${error ? `: ${error.message}` : ''}.`
    this.#end({ thrown: runtimeError('TruncatedResponse', problem, error ?? undefined) })
    done(error)
  }

  #end(failed: Failed | undefined): void {
    if (this.#ended) return
    this.#ended = true
    this.#begin()
    this.#sink.end(failed)
    this.#over.resolve()
  }

  #begin(): void {
    if (this.#begun) return
    this.#begun = true
    this.#sink.begin(this.#contentType)
  }
}

const METHODS = [
  'cork',
  'destroy',
  'end',
  'uncork',
  'write',
  'addListener',
  'on',
  'once',
  'prependListener',
  'prependOnceListener',
  'off',
  'removeListener',
  'removeAllListeners',
  'setMaxListeners',
  'getMaxListeners',
  'listeners',
  'rawListeners',
  'listenerCount',
  'eventNames',
  'emit',
  'setContentType',
] as const satisfies readonly (keyof ResponseStream)[]

const VARIABLES = ['destroyed', '_onBeforeFirstWrite'] as const satisfies readonly (keyof ResponseStream)[]

const READ_ONLY = [
  'writableFinished',
  'writableObjectMode',
  'writableEnded',
  'writableNeedDrain',
  'writableHighWaterMark',
  'writableCorked',
  'writableLength',
  'writable',
] as const satisfies readonly (keyof ResponseStream)[]

function facadeOf(inner: ResponseStream): object {
  const facade: Record<string, unknown> = {}
  for (const name of METHODS) {
    facade[name] = (inner[name] as (...args: unknown[]) => unknown).bind(inner)
  }
  for (const name of VARIABLES) {
    const set = (value: unknown) => {
      Object.assign(inner, { [name]: value })
    }
    Object.defineProperty(facade, name, { get: () => inner[name], set })
  }
  for (const name of READ_ONLY) Object.defineProperty(facade, name, { get: () => inner[name] })
  return facade
}
