import { ApiGatewayManagementApiClient } from '@aws-sdk/client-apigatewaymanagementapi'
import { onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { rootKey, StageKeys } from '../../src/core/wire/root-key.js'
import type { WebSocketEvent } from '../../src/local/api-gateway/event.js'
import {
  type InvokeOptions,
  type InvokeResult,
  type LocalCredentials,
  type WebSocketApi,
  type WebSocketApiEvents,
  type WebSocketApiOptions,
  webSocketApi,
} from '../../src/local/index.js'
import { aws4 } from '../support/signers.js'

/** A promise and what settles it. */
export function deferred<T = void>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

type Answer = (event: WebSocketEvent, options?: InvokeOptions) => unknown

/** A function that answers what this makes of the event; an error it throws is a failure of the function. */
export function answering(answer: Answer) {
  return {
    async invoke(event: unknown, options?: InvokeOptions): Promise<InvokeResult> {
      const result = { requestId: 'r', statusCode: 200, logTail: '', durationMs: 0 } as const
      try {
        const value = await answer(event as WebSocketEvent, options)
        return { ...result, payload: Buffer.from(JSON.stringify(value ?? null)) }
      } catch (error) {
        const payload = Buffer.from(JSON.stringify({ errorMessage: String(error) }))
        return { ...result, payload, functionError: 'Unhandled' }
      }
    },
  }
}

/** A function that never answers, whatever becomes of its signal. */
export function hanging() {
  const asked = deferred()
  return {
    /** Resolves when it is invoked. */
    asked: asked.promise,
    invoke(): Promise<InvokeResult> {
      asked.resolve()
      return new Promise(() => {})
    },
  }
}

/** A function that takes everything, and keeps the events it got. */
export function taking() {
  const events: WebSocketEvent[] = []
  const fn = answering((event) => {
    events.push(event)
    return { statusCode: 200 }
  })
  return { ...fn, events }
}

/** An API that takes whoever connects, closed after the test. */
export async function openApi(options: Partial<WebSocketApiOptions> = {}): Promise<WebSocketApi> {
  const api = await webSocketApi({ routes: { $connect: taking(), $default: taking() }, ...options })
  onTestFinished(() => api.close())
  return api
}

/** What a client signs with. */
export interface ClientOptions {
  readonly credentials?: LocalCredentials
  readonly query?: string
  readonly region?: string
  readonly now?: number
  readonly url?: string
}

/** Names and values as a query, percent-encoded: in a signed URL a `+` is no space. */
export function queryOf(values: Readonly<Record<string, string>>): string {
  return `?${new URLSearchParams(values).toString().replaceAll('+', '%20')}`
}

/** What a session says of itself. */
export interface SessionFacts {
  readonly app: string
  readonly stage: string
  readonly name: string
  readonly session: string
  readonly epoch: number
  /** When it signs, in Unix milliseconds. */
  readonly at: number
  readonly key: string
}

/** The query with which a session connects to an API. */
export function sessionQuery({ endpoint }: Pick<WebSocketApi, 'endpoint'>, facts: SessionFacts): string {
  const { app, stage, name, session, epoch, at, key } = facts
  const keys = new StageKeys(rootKey('key', key), { app, stage })
  const signature = keys.sign('connect', [new URL(endpoint).host, app, stage, name, session, epoch, at])
  const proof = { session, epoch: `${epoch}`, at: `${at}`, sig: signature.toString('base64url') }
  return queryOf({ app, stage, role: 'session', name, ...proof })
}

/** A client that has begun to connect. */
export async function begin(api: WebSocketApi, options: ClientOptions = {}): Promise<Client> {
  const { credentials, query = '', region = 'us-east-1', now = Date.now() } = options
  const url = options.url ?? `${api.endpoint}${query}`
  const request = { service: 'execute-api', region, at: now, method: 'GET', url: new URL(url) }
  const headers = credentials === undefined ? {} : await aws4.headers({ ...request, credentials })
  const client = new Client(new WebSocket(url, { headers, perMessageDeflate: false }))
  onTestFinished(() => client.socket.terminate())
  return client
}

/** A client that is connected. */
export async function connect(api: WebSocketApi, options: ClientOptions = {}): Promise<Client> {
  const client = await begin(api, options)
  const connected = detail(api, 'connect')
  await client.opened
  client.connectionId = (await connected).connectionId
  return client
}

/** A WebSocket with promises for what comes. */
export class Client {
  readonly socket: WebSocket
  connectionId = ''
  /** Rejects with the answer's status in its message. */
  readonly opened: Promise<void>
  /** Resolves with WebSocket's code. */
  readonly closed: Promise<number>
  /** The answer that refused the upgrade. */
  readonly refused: Promise<{ status: number; headers: Record<string, unknown>; body: unknown }>
  readonly #messages: string[] = []
  readonly #waiting: ((message: string) => void)[] = []

  constructor(socket: WebSocket) {
    this.socket = socket
    this.opened = new Promise((resolve, reject) => {
      socket.once('open', () => resolve())
      socket.once('error', reject)
      socket.once('unexpected-response', (_request, { statusCode }) => {
        reject(new Error(`refused with ${statusCode}`))
      })
    })
    this.opened.catch(() => {})
    this.closed = new Promise((resolve) => socket.once('close', (code) => resolve(code)))
    this.refused = new Promise((resolve) => {
      socket.once('unexpected-response', async (request, response) => {
        let text = ''
        for await (const chunk of response) text += chunk
        request.destroy()
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: JSON.parse(text) })
      })
    })
    socket.on('error', () => {})
    socket.on('message', (data, isBinary) => {
      const message = isBinary ? `binary: ${data}` : data.toString()
      const waiting = this.#waiting.shift()
      if (waiting) waiting(message)
      else this.#messages.push(message)
    })
  }

  /** The next message. */
  message(): Promise<string> {
    const first = this.#messages.shift()
    return first === undefined
      ? new Promise((resolve) => this.#waiting.push(resolve))
      : Promise.resolve(first)
  }

  send(text: string): void {
    this.socket.send(text)
  }
}

/** The next event of that kind. */
export function detail<E extends keyof WebSocketApiEvents>(
  api: WebSocketApi,
  name: E,
): Promise<Parameters<WebSocketApiEvents[E]>[0]> {
  return new Promise((resolve) => api.once(name, ((value: unknown) => resolve(value as never)) as never))
}

/** AWS's own client of the management API, which tries nothing twice. */
export function managementClient(
  api: Pick<WebSocketApi, 'managementEndpoint'>,
  credentials: LocalCredentials = { accessKeyId: 'AKIANOBODY', secretAccessKey: 'x' },
): ApiGatewayManagementApiClient {
  const client = new ApiGatewayManagementApiClient({
    endpoint: api.managementEndpoint,
    region: 'us-east-1',
    credentials,
    maxAttempts: 1,
  })
  onTestFinished(() => client.destroy())
  return client
}
