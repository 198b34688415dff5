import {
  Agent,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestOptions,
  request,
} from 'node:http'
import type { LambdaError } from '../../core/base/errors.js'
import { errorTypeHeader, RequestSink } from './streaming/request-sink.js'

const RUNTIME = '/2018-06-01/runtime'
// A client context may exceed the 16 KB that Node allows for all headers.
const MAX_HEADER_BYTES = 65_536

/** The response of `invocation/next`. */
export interface NextInvocation {
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** A runtime's client of the Runtime API, over one persistent connection. */
export class RuntimeClient {
  // One socket: an idle one does not keep the event loop busy, and callback-style handlers wait for an empty loop.
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })
  readonly #host: string
  readonly #port: string
  readonly #base: string

  /** @param address a host and a port, as in `AWS_LAMBDA_RUNTIME_API`, with an optional path */
  constructor(address: string) {
    const { hostname, port, pathname } = new URL(`http://${address}`)
    this.#host = hostname
    this.#port = port
    this.#base = pathname.replace(/\/$/, '')
  }

  /** Waits for the next invocation, without a time limit. */
  next(): Promise<NextInvocation> {
    return this.#call('GET', `${RUNTIME}/invocation/next`)
  }

  /** Makes a call that extends the Runtime API. */
  async ask<T>(path: string): Promise<T> {
    const { body } = await this.#call('GET', path)
    return JSON.parse(body.toString('utf8')) as T
  }

  async respond(requestId: string, body: Uint8Array): Promise<void> {
    await this.#call('POST', `${RUNTIME}/invocation/${encodeURIComponent(requestId)}/response`, body)
  }

  /** Starts a streamed response. Nothing is sent before the sink's `begin`. */
  stream(requestId: string): RequestSink {
    const call = request(
      this.#options('POST', `${RUNTIME}/invocation/${encodeURIComponent(requestId)}/response`),
    )
    return new RequestSink(call)
  }

  async fail(requestId: string, error: LambdaError): Promise<void> {
    await this.#post(`invocation/${encodeURIComponent(requestId)}/error`, error)
  }

  async failInit(error: LambdaError): Promise<void> {
    await this.#post('init/error', error)
  }

  async #post(path: string, error: LambdaError): Promise<void> {
    await this.#call('POST', `${RUNTIME}/${path}`, Buffer.from(JSON.stringify(error)), {
      'Lambda-Runtime-Function-Error-Type': errorTypeHeader(error),
    })
  }

  #call(
    method: string,
    path: string,
    body?: Uint8Array,
    headers: Record<string, string> = {},
  ): Promise<NextInvocation> {
    return new Promise((resolve, reject) => {
      const all = {
        ...headers,
        ...(body && { 'Content-Type': 'application/json', 'Content-Length': body.byteLength }),
      }
      const call = request({ ...this.#options(method, path), headers: all }, (response) =>
        read(response, resolve, reject),
      )
      call.on('error', reject)
      call.end(body)
    })
  }

  #options(method: string, path: string): RequestOptions {
    return {
      agent: this.#agent,
      host: this.#host,
      port: this.#port,
      method,
      path: this.#base + path,
      maxHeaderSize: MAX_HEADER_BYTES,
    }
  }
}

function read(
  response: IncomingMessage,
  resolve: (next: NextInvocation) => void,
  reject: (error: Error) => void,
): void {
  const chunks: Buffer[] = []
  response.on('data', (chunk: Buffer) => chunks.push(chunk))
  response.on('end', () => resolve({ headers: response.headers, body: Buffer.concat(chunks) }))
  response.on('error', reject)
}
