import { mkdtempSync, rmSync } from 'node:fs'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Executor, Session, SessionOptions } from '../../src/index.js'
import { type InspectOptions, type Inspector, inspect } from '../../src/inspector/index.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: each test knows what it asked for
  readonly json: any
}

export interface Ask {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** A session with an inspector, in a runtime folder of their own. */
export class Inspected implements AsyncDisposable {
  readonly tether = new Tether()
  readonly session: Session
  readonly runtimeFolder = mkdtempSync(join(tmpdir(), 'inspected-'))
  inspector!: Inspector
  readonly #before = process.env.XDG_RUNTIME_DIR

  private constructor(options: Partial<SessionOptions>) {
    this.session = this.tether.session(options)
    process.env.XDG_RUNTIME_DIR = this.runtimeFolder
  }

  static async start(
    options: InspectOptions | ((session: Session) => InspectOptions) = {},
    serve: (session: Session) => void = (session) =>
      session.serve({ functions: { api: async (event: unknown) => ({ statusCode: 200, got: event }) } }),
    sessionOptions: Partial<SessionOptions> = {},
  ): Promise<Inspected> {
    const inspected = new Inspected(sessionOptions)
    const { session } = inspected
    serve(session)
    inspected.inspector = await inspect(session, typeof options === 'function' ? options(session) : options)
    await session.open()
    return inspected
  }

  get token(): string {
    return new URL(this.inspector.url).searchParams.get('token')!
  }

  /** Invokes the function as a stub does. */
  invoke(event: unknown): Promise<unknown> {
    return this.tether.stub()(event, stubContext())
  }

  /** Asks as a tool does, with the token. */
  api(path: string, { headers, ...ask }: Ask = {}): Promise<Answer> {
    return this.raw(path, { headers: { authorization: `Bearer ${this.token}`, ...headers }, ...ask })
  }

  post(path: string, body: unknown = {}): Promise<Answer> {
    const headers = { 'content-type': 'application/json' }
    return this.api(path, { method: 'POST', headers, body: JSON.stringify(body) })
  }

  /** Asks with these headers alone. */
  raw(path: string, { method = 'GET', headers = {}, body }: Ask = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { port } = this.inspector
      const request = httpRequest({ host: '127.0.0.1', port, path, method, headers, agent: false })
      request.on('error', reject)
      request.on('response', (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk) => {
          text += chunk
        })
        response.on('end', () => {
          const { statusCode: status = 0, headers: answered } = response
          const isJson = /json/.test(answered['content-type'] ?? '')
          resolve({ status, headers: answered, text, json: isJson ? JSON.parse(text) : undefined })
        })
      })
      request.end(body)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.inspector.close()
    await this.tether[Symbol.asyncDispose]()
    if (this.#before === undefined) delete process.env.XDG_RUNTIME_DIR
    else process.env.XDG_RUNTIME_DIR = this.#before
    rmSync(this.runtimeFolder, { recursive: true, force: true })
  }
}

/** An executor whose functions print. */
export function printing(run: (print: (text: string) => void) => Promise<void>): Executor {
  return {
    name: 'printing',
    async execute({ onLog }) {
      await run((text) => onLog?.({ stream: 'stdout', text, time: 0, level: 'info' }))
      return { kind: 'value', body: Buffer.from('{}') }
    },
    reload: async () => {},
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  }
}
