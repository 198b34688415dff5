import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse, validateHeaderValue } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { TetherError } from '../../core/base/errors.js'
import { MAX_RESPONSE_BYTES, responseTooLarge } from '../../core/payload/response-limit.js'
import { isStranger } from '../../network/peer-user.js'
import { collect, errorAnswer, postedError, type RuntimeAnswer, type RuntimeError } from './answer.js'
import { isStreamed, streamedAnswer } from './streamed-answer.js'

const PREFIX = '/2018-06-01/runtime/'
// The trailers of a streamed response hold an error with its stack. 1 MB is the default of Go's servers, and AWS's is
// written in Go.
const MAX_HEADER_BYTES = 1024 * 1024

/** One invocation, as `invocation/next` returns it to a runtime. */
export interface RuntimeInvocation {
  readonly requestId: string
  /** The event's JSON. */
  readonly event: Uint8Array
  /** Unix milliseconds. */
  readonly deadline: number
  readonly functionArn: string
  readonly traceId?: string
  /** JSON text. */
  readonly clientContext?: string
  /** JSON text. */
  readonly identity?: string
  readonly tenantId?: string
  /** Precedes the event in the body, for this package's bootstraps; a header tells its length. */
  readonly details?: Uint8Array
}

/** Callbacks for a runtime's calls. */
export interface RuntimeApiHandlers {
  /**
   * The runtime asks for an invocation: it has started, or finished the last one. It gets an invocation after this
   * resolves. Must not reject.
   */
  onNext?(): Promise<void>
  /** The runtime waits for an invocation: Lambda would freeze it now. */
  onIdle?(): void
  /** The runtime failed to start. */
  onInitError?(answer: RuntimeError): void
  /** Answers a GET outside the Runtime API, or returns undefined for an unknown path. The promise must not reject. */
  onGet?(path: string): Promise<object> | undefined
  /** Returns a function that receives the body of a POST outside the Runtime API, or undefined for an unknown path. */
  onPost?(path: string): ((body: Uint8Array) => void) | undefined
}

interface Flight {
  readonly invocation: RuntimeInvocation
  readonly headers: Readonly<Record<string, string>>
  state: 'queued' | 'running' | 'streaming' | 'answered'
  resolve(answer: RuntimeAnswer): void
  reject(error: TetherError): void
}

/**
 * The Lambda Runtime API of one execution environment, on a free port of 127.0.0.1. Each environment has its own
 * server, because `AWS_LAMBDA_RUNTIME_API` is a host and a port, and not all runtimes accept a path after them. Without
 * a secret path, refuses processes of other users, if the system tells the owner of a connection.
 */
export class RuntimeApi implements AsyncDisposable {
  readonly #handlers: RuntimeApiHandlers
  readonly #base: string
  readonly #server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, (request, response) =>
    this.#route(request, response),
  )
  readonly #strangers = new WeakSet<Socket>()
  #waiting: ServerResponse | undefined
  #flight: Flight | undefined
  #drained: (() => void)[] = []
  #connections = 0
  #closed = false

  /** @param base a prefix for the path of every call, such as an unguessable one. @default none */
  constructor(handlers: RuntimeApiHandlers = {}, base = '') {
    this.#handlers = handlers
    this.#base = base
    // A frozen runtime is silent for hours: no HTTP time limit may end its connection.
    this.#server.keepAliveTimeout = 0
    this.#server.requestTimeout = 0
    this.#server.headersTimeout = 0
    this.#server.on('connection', (socket) => {
      this.#connections += 1
      if (base === '' && isStranger(socket)) this.#strangers.add(socket)
      socket.once('close', () => {
        this.#connections -= 1
        if (this.#connections === 0) for (const resolve of this.#drained.splice(0)) resolve()
      })
    })
  }

  /** `host:port` and the base, if any: the value of `AWS_LAMBDA_RUNTIME_API`. Only after {@link open}. */
  get address(): string {
    return this.#host + this.#base
  }

  get #host(): string {
    const { address, port } = this.#server.address() as AddressInfo
    return `${address}:${port}`
  }

  /** Starts listening. */
  async open(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(0, '127.0.0.1', resolve)
    })
  }

  /**
   * Hands an invocation to the runtime, at once if it is waiting, or when it next asks. Resolves with the runtime's
   * answer, and never if the runtime dies or hangs: the caller must watch for that. One invocation at a time.
   * @throws TypeError for a request id, ARN, trace id or tenant that is not valid in a header; TetherError `CLOSED`,
   * `UNSUPPORTED` while another invocation has no answer
   */
  invoke(invocation: RuntimeInvocation): Promise<RuntimeAnswer> {
    if (this.#closed) return Promise.reject(closedError())
    if (this.#flight !== undefined && this.#flight.state !== 'answered') {
      return Promise.reject(new TetherError('UNSUPPORTED', 'This runtime is still at work on an invocation.'))
    }
    return new Promise((resolve, reject) => {
      // Built first: text that is not valid in a header throws here, and rejects the promise.
      const headers = headersOf(invocation)
      this.#flight = { invocation, headers, state: 'queued', resolve, reject }
      if (this.#waiting !== undefined) this.#deliver(this.#waiting)
    })
  }

  /** Whether the latest invocation has been sent to the runtime. */
  get delivered(): boolean {
    return this.#flight !== undefined && this.#flight.state !== 'queued'
  }

  /** Resolves when no runtime is connected: then everything that a dead process sent has been read. */
  drained(): Promise<void> {
    if (this.#connections === 0) return Promise.resolve()
    return new Promise((resolve) => this.#drained.push(resolve))
  }

  /** Stops listening; an invocation without an answer rejects with `CLOSED`. Idempotent. */
  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true
      const { state } = this.#flight ?? {}
      if (state === 'queued' || state === 'running') this.#flight?.reject(closedError())
    }
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #route(request: IncomingMessage, response: ServerResponse): void {
    if (this.#strangers.has(request.socket)) {
      request.resume()
      const errorMessage = `This Runtime API serves processes of user ${process.geteuid?.()} and of root only.`
      reply(response, 403, { errorType: 'Forbidden', errorMessage })
      return
    }
    const url = this.#pathOf(request)
    const path = url.startsWith(PREFIX) ? url.slice(PREFIX.length) : ''
    const post = request.method === 'POST' && url !== '' ? this.#handlers.onPost?.(url) : undefined
    const answer = /^invocation\/([^/?]+)\/(response|error)$/.exec(path)
    if (request.method === 'GET' && path === 'invocation/next') this.#next(response)
    else if (request.method === 'POST' && path === 'init/error') this.#initError(request, response)
    else if (request.method === 'POST' && answer !== null) {
      const [, id = '', kind] = answer
      this.#answer(request, response, decodeId(id), kind === 'error')
    } else if (post !== undefined) {
      collect(request, MAX_RESPONSE_BYTES, (body) => {
        post(body)
        reply(response, 202, { status: 'OK' })
      })
    } else {
      request.resume()
      const more = request.method === 'GET' && url !== '' ? this.#handlers.onGet?.(url) : undefined
      if (more !== undefined) {
        void more.then((body) => reply(response, 200, body))
        return
      }
      reply(response, 404, {
        errorType: 'NotFound',
        errorMessage: `No such call: ${request.method} ${request.url}`,
      })
    }
  }

  /** Returns the path below the base; empty if the base is missing. */
  #pathOf({ url = '', headers }: IncomingMessage): string {
    // A web page that has found the port uses another host name, or sends headers of a browser.
    const fromPage = headers['sec-fetch-site'] !== undefined || headers.origin !== undefined
    if (fromPage || (headers.host !== undefined && headers.host !== this.#host)) return ''
    return url.startsWith(`${this.#base}/`) ? url.slice(this.#base.length) : ''
  }

  #next(response: ServerResponse): void {
    if (this.#refusesNext(response)) return
    const noted = this.#handlers.onNext?.()
    if (noted === undefined) this.#offer(response)
    else void noted.then(() => this.#offer(response))
  }

  #refusesNext(response: ServerResponse): boolean {
    const { state } = this.#flight ?? {}
    if (state === 'running') refuseTransition(response, 'Running', 'Ready')
    else if (state === 'streaming') refuseTransition(response, 'InvocationResponse', 'Ready')
    else return false
    return true
  }

  /** Delivers the queued invocation, or lets the runtime wait. */
  #offer(response: ServerResponse): void {
    // The connection may have closed in the meantime, or another connection may have been served.
    if (response.destroyed || this.#refusesNext(response)) return
    this.#waiting = response
    response.once('close', () => {
      if (this.#waiting === response) this.#waiting = undefined
    })
    if (this.#flight?.state === 'queued') this.#deliver(response)
    else this.#handlers.onIdle?.()
  }

  #deliver(response: ServerResponse): void {
    const flight = this.#flight
    if (flight === undefined) return
    this.#waiting = undefined
    flight.state = 'running'
    const { headers, invocation } = flight
    response.writeHead(200, headers)
    if (invocation.details !== undefined) response.write(invocation.details)
    response.end(invocation.event)
  }

  #answer(request: IncomingMessage, response: ServerResponse, id: string, failed: boolean): void {
    const flight = this.#flight
    if (flight === undefined || flight.state === 'queued' || flight.invocation.requestId !== id) {
      request.resume()
      reply(response, 400, { errorType: 'InvalidRequestID', errorMessage: 'Invalid request ID' })
      return
    }
    if (flight.state !== 'running') {
      request.resume()
      refuseTransition(response, 'ResponseSent', failed ? 'InvocationErrorResponse' : 'InvocationResponse')
      return
    }
    if (!failed && isStreamed(request)) {
      flight.state = 'streaming'
      const answer = streamedAnswer(request, () => {
        flight.state = 'answered'
        reply(response, 202, { status: 'OK' })
      })
      flight.resolve(answer)
      return
    }
    flight.state = 'answered'
    collect(request, MAX_RESPONSE_BYTES, (body, size) => {
      if (size > MAX_RESPONSE_BYTES) {
        flight.resolve(errorAnswer(responseTooLarge(`${size}`)))
        const errorMessage = `Exceeded maximum allowed payload size (${MAX_RESPONSE_BYTES} bytes).`
        reply(response, 413, { errorType: 'RequestEntityTooLarge', errorMessage })
        return
      }
      flight.resolve(failed ? postedError(request, body) : { kind: 'response', body })
      reply(response, 202, { status: 'OK' })
    })
  }

  #initError(request: IncomingMessage, response: ServerResponse): void {
    collect(request, MAX_RESPONSE_BYTES, (body) => {
      this.#handlers.onInitError?.(postedError(request, body))
      reply(response, 202, { status: 'OK' })
    })
  }
}

function headersOf(invocation: RuntimeInvocation): Record<string, string> {
  const { requestId, event, deadline, functionArn, traceId, clientContext, identity, tenantId, details } =
    invocation
  const headers: Record<string, string> = {
    'Content-Type': 'application/json',
    'Content-Length': String(event.byteLength + (details?.byteLength ?? 0)),
    'Lambda-Runtime-Aws-Request-Id': requestId,
    'Lambda-Runtime-Deadline-Ms': String(Math.round(deadline)),
    'Lambda-Runtime-Invoked-Function-Arn': functionArn,
    'Lambda-Runtime-Invocation-Id': randomUUID(),
    ...(traceId === undefined ? {} : { 'Lambda-Runtime-Trace-Id': traceId }),
    ...(clientContext === undefined ? {} : { 'Lambda-Runtime-Client-Context': toAscii(clientContext) }),
    ...(identity === undefined ? {} : { 'Lambda-Runtime-Cognito-Identity': toAscii(identity) }),
    ...(tenantId === undefined ? {} : { 'Lambda-Runtime-Aws-Tenant-Id': tenantId }),
    ...(details === undefined ? {} : { 'Lambda-Tether-Details': String(details.byteLength) }),
  }
  for (const [name, value] of Object.entries(headers)) validateHeaderValue(name, value)
  return headers
}

function refuseTransition(response: ServerResponse, from: string, to: string): void {
  const errorMessage = `State transition from ${from} to Runtime${to} failed for runtime. Error: State transition is not allowed`
  reply(response, 403, { errorType: 'InvalidStateTransition', errorMessage })
}

function reply(response: ServerResponse, status: number, body: object): void {
  const bytes = Buffer.from(JSON.stringify(body))
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': bytes.byteLength })
  response.end(bytes)
}

function decodeId(id: string): string {
  try {
    return decodeURIComponent(id)
  } catch {
    return id
  }
}

// Headers carry only Latin-1; JSON can escape other characters.
function toAscii(json: string): string {
  return json.replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function closedError(): TetherError {
  return new TetherError('CLOSED', 'The execution environment was closed before its runtime answered.')
}
