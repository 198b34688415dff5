import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Detail, Head, ReplayAnswer, Status } from '../../../src/inspector/page/api/contract.js'
import { runFile } from '../../../src/run-files.js'

const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'"

export const idleStatus: Status = {
  session: { app: 'shop', stage: 'dev', name: 'ann' },
  connection: { state: 'connected' },
  transport: 'iot',
  stats: {
    invocations: { received: 3, answered: 1, failed: 1, declined: 1, running: 0, overlaps: 0 },
    frames: { sent: 4, sentBytes: 4_000, received: 5, receivedBytes: 5_000 },
    connections: 1,
    connectedMs: 61_000,
    estimatedUsd: 0.000_012,
  },
  functions: [
    {
      functionId: 'api',
      source: '/app/api.ts',
      state: 'ready',
      workers: 1,
      spares: 1,
      memoryBytes: 41_000_000,
      inspectPort: 9230,
    },
    { functionId: 'jobs', source: '/app/jobs.ts', state: 'ready', workers: 0, spares: 0 },
  ],
  displaced: false,
  discards: [],
  remoteReplay: false,
  diagnose: true,
}

export function headOf(id: string, change: Partial<Head> = {}): Head {
  return {
    id,
    functionId: 'api',
    trigger: 'apigw-http',
    title: `GET /things/${id}`,
    at: new Date().toISOString(),
    state: 'value',
    status: 200,
    durationMs: 12,
    mirrored: false,
    rerun: false,
    replayed: false,
    eventBytes: 240,
    ...change,
  }
}

export function detailOf(head: Head, change: Partial<Detail> = {}): Detail {
  return {
    head,
    context: { functionName: 'shop-api', awsRequestId: 'request-1' },
    event: { rawPath: '/things', headers: { authorization: '[redacted:1]' } },
    eventPointers: ['/headers/authorization'],
    outcome: { kind: 'value', value: { statusCode: 200, body: '{"price":1}' } },
    outcomePointers: [],
    logs: [{ atMs: 3, stream: 'stdout', level: 'info', text: 'price is \u001b[31m1\u001b[0m' }],
    droppedLogs: 0,
    timing: [
      { name: 'arrived', startMs: 0, endMs: 0 },
      { name: 'waited', startMs: 0, endMs: 2 },
      { name: 'ran', startMs: 2, endMs: 11 },
      { name: 'answered', startMs: 12, endMs: 12 },
    ],
    variables: ['TABLE'],
    ...change,
  }
}

/**
 * Answers as the inspector's server does, with what a test tells it: states that a session is hard to bring to. Without its
 * security, which the server's own tests look at.
 */
export class PageHost implements AsyncDisposable {
  status: Status = idleStatus
  /** Newest last. */
  readonly details = new Map<string, Detail>()
  /** Of `?reveal=1`. */
  readonly revealed = new Map<string, unknown>()
  readonly posted: { readonly path: string; readonly body: unknown }[] = []
  replay: ReplayAnswer | undefined
  diagnosis: unknown
  /** Invocations are answered once it resolves. */
  answers: Promise<void> = Promise.resolve()
  /** How many requests for an invocation came, and how many were given up before their answer. */
  readonly reads = { begun: 0, abandoned: 0 }
  /** Whether everyone has a stale token. */
  refuses = false
  /** What the last reader of the stream had before. */
  resumedFrom: string | undefined
  readonly #server: Server = createServer((request, response) => void this.#answer(request, response))
  readonly #streams = new Set<ServerResponse>()
  #lastId = 0

  async start(port = 0): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).listen(port, '127.0.0.1', resolve)
    })
    return `http://127.0.0.1:${this.port}/`
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** How many read the stream. */
  get readers(): number {
    return this.#streams.size
  }

  add(...details: readonly Detail[]): void {
    for (const detail of details) this.details.set(detail.head.id, detail)
  }

  /** Adds an invocation, or changes it, and tells the page. */
  arrive(...details: readonly Detail[]): void {
    this.add(...details)
    for (const { head } of details) this.tell('invocation', head)
  }

  tell(name: string, data: unknown = name === 'status' ? this.status : {}): void {
    const text = `id: ${++this.#lastId}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`
    for (const stream of this.#streams) stream.write(text)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1')
    response.setHeader('Content-Security-Policy', CSP)
    if (!url.pathname.startsWith('/api/')) return this.#file(url.pathname, response)
    if (this.refuses) return json(response, 401, { error: { code: 'UNAUTHORIZED', message: 'Stale token.' } })
    if (url.pathname === '/api/stream') return this.#stream(request, response)
    if (request.method === 'POST') return this.#post(url.pathname, request, response)
    if (url.pathname === '/api/status') return json(response, 200, this.status)
    if (url.pathname === '/api/invocations') return json(response, 200, this.#list(url.searchParams))
    const [, , , id = '', rest] = url.pathname.split('/')
    const detail = this.details.get(decodeURIComponent(id))
    if (detail === undefined)
      return json(response, 404, { error: { code: 'NOT_FOUND', message: 'Unknown.' } })
    if (rest === 'fixture') return json(response, 200, { fixture: id })
    this.reads.begun++
    response.once('close', () => !response.writableFinished && this.reads.abandoned++)
    await this.answers
    const whole = this.revealed.get(detail.head.id)
    json(
      response,
      200,
      url.searchParams.has('reveal') && whole !== undefined ? { ...detail, event: whole } : detail,
    )
  }

  async #file(path: string, response: ServerResponse): Promise<void> {
    const files = {
      '/app.js': ['page-script', 'text/javascript'],
      '/app.css': ['page-style', 'text/css'],
    } as const
    const [name, type] = files[path as keyof typeof files] ?? (['page-html', 'text/html'] as const)
    response.setHeader('Content-Type', type)
    response.end(await readFile(runFile(name)))
  }

  #stream({ headers }: IncomingMessage, response: ServerResponse): void {
    this.resumedFrom = headers['last-event-id'] as string | undefined
    response.writeHead(200, { 'Content-Type': 'text/event-stream' })
    response.write(`event: status\ndata: ${JSON.stringify(this.status)}\n\n`)
    this.#streams.add(response)
    response.once('close', () => this.#streams.delete(response))
  }

  #list(query: URLSearchParams) {
    const limit = Number(query.get('limit'))
    const from = Number(query.get('cursor') ?? 0)
    const q = query.get('q')
    const all = [...this.details.values()].reverse()
    const found = q === null ? all : all.filter((detail) => JSON.stringify(detail).includes(q))
    return {
      invocations: found.slice(from, from + limit).map(({ head }) => head),
      cursor: String(from + limit),
      more: from + limit < found.length,
    }
  }

  async #post(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    this.posted.push({ path, body: JSON.parse(String(Buffer.concat(chunks))) })
    if (path === '/api/diagnose') return json(response, 200, this.diagnosis)
    if (path.endsWith('/replay')) return json(response, 200, this.replay)
    json(response, 200, {})
  }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
}
