import { Writable } from 'node:stream'
import { deferred } from '../../../core/base/deferred.js'
import { runtimeError } from '../runtime-errors.js'

/** Where the bytes of a response go. */
export interface ResponseSink {
  /** Called once, before all else: the code has written or ended its stream. */
  begin(contentType: string): void
  /** @param taken to be called when more may come */
  write(chunk: Uint8Array, taken: () => void): void
  /** Called once. */
  end(failed?: Failed): void
}

/** What the code threw, or why its stream broke off. */
export interface Failed {
  readonly thrown: unknown
}

/** What `_onBeforeFirstWrite` of the official client's streams is. */
type BeforeFirstWrite = (write: (chunk: string | Uint8Array) => void) => void

/**
 * The stream that a streaming handler writes to, as aws-lambda-ric 4 makes it of its HTTP request (response-stream.js): what
 * `write()` takes, when the prelude leaves, and that `end(chunk)` is no write.
 */
export class ResponseStream extends Writable {
  /** What the code is given: the members that the official client gives it, of this stream. */
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
    // Who writes after the end is told by the code's own listeners, if at all.
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
    // The official client reads its length.
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

  /** Ends the stream with what the code threw, unless it has ended. @returns whether anybody will hear of it */
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
