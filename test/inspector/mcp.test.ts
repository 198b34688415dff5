import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { workerThreads } from '../../src/executors/index.js'
import { createSession, generateKey } from '../../src/index.js'
import { inspect } from '../../src/inspector/index.js'
import { record } from '../../src/recorder/index.js'
import { runFile } from '../../src/run-files.js'
import { createStub } from '../../src/stub/handler.js'
import { stubKey } from '../../src/stub/key.js'
import { memory } from '../../src/transports/memory.js'
import { stubContext } from '../support/stub-context.js'
import { Inspected, printing } from './inspected.js'

const TOOLS = [
  'build_errors',
  'get_invocation',
  'get_logs',
  'list_invocations',
  'read_docs',
  'replay_invocation',
  'status',
  'wait_for_invocation',
]

interface Result {
  readonly isError?: boolean
  readonly content: readonly { readonly text: string }[]
  // biome-ignore lint/suspicious/noExplicitAny: each test knows what it asked for
  readonly structuredContent?: any
}

interface AnyClient {
  listTools(): Promise<{ tools: { name: string }[] }>
  callTool(call: { name: string; arguments: Record<string, unknown> }): Promise<unknown>
  close(): Promise<void>
}

const { MCP_SDK_1, REQUIRE_REAL_SERVERS } = process.env
const lacksSdk1 = MCP_SDK_1 === undefined && REQUIRE_REAL_SERVERS === undefined

async function sdk1(part: string) {
  if (MCP_SDK_1 === undefined)
    throw new Error('This test needs the folder of @modelcontextprotocol/sdk 1 in MCP_SDK_1.')
  return import(pathToFileURL(join(MCP_SDK_1, 'dist', 'esm', 'client', part)).href)
}

const call = async (client: AnyClient, name: string, args: Record<string, unknown> = {}): Promise<Result> =>
  (await client.callTool({ name, arguments: args })) as Result

const answerOf = async (client: AnyClient, name: string, args: Record<string, unknown> = {}) => {
  const { isError, content, structuredContent } = await call(client, name, args)
  if (isError) throw new Error(content.map(({ text }) => text).join('\n'))
  return structuredContent
}

describe('agents', () => {
  let inspected: Inspected
  let client: AnyClient
  const folder = mkdtempSync(join(tmpdir(), 'agent-'))
  beforeAll(async () => {
    inspected = await Inspected.start({ folder })
    await inspected.invoke({ order: 7, password: 'secret-of-the-caller', text: 'x'.repeat(9_000) })
    client = await overHttp()
  })
  afterAll(async () => {
    await client.close()
    await inspected[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true })
  })

  const endpoint = (of = inspected) => new URL(`http://127.0.0.1:${of.inspector.port}/mcp`)
  const authorized = (of = inspected) => ({
    requestInit: { headers: { Authorization: `Bearer ${of.token}` } },
  })
  const info = { name: 'test', version: '1' }
  const overHttp = async (of = inspected): Promise<AnyClient> => {
    const made = new Client(info)
    await made.connect(new StreamableHTTPClientTransport(endpoint(of), authorized(of)))
    return made as unknown as AnyClient
  }
  const stdio = () => ({
    command: process.execPath,
    args: [runFile('mcp-connector')],
    cwd: folder,
    env: { ...(process.env as Record<string, string>), XDG_RUNTIME_DIR: inspected.runtimeFolder },
  })
  const clients: [string, boolean, () => Promise<AnyClient>][] = [
    ['the client of the official SDK, over HTTP', false, () => overHttp()],
    [
      'the same by the revision of 2026-07-28',
      false,
      async () => {
        const made = new Client(info, { versionNegotiation: { mode: 'auto' } })
        await made.connect(new StreamableHTTPClientTransport(endpoint(), authorized()))
        return made as unknown as AnyClient
      },
    ],
    [
      'the same over standard input',
      false,
      async () => {
        const made = new Client(info)
        await made.connect(new StdioClientTransport(stdio()))
        return made as unknown as AnyClient
      },
    ],
    [
      'the client of SDK 1, over HTTP',
      true,
      async () => {
        const { Client: Client1 } = await sdk1('index.js')
        const { StreamableHTTPClientTransport: Http1 } = await sdk1('streamableHttp.js')
        const made = new Client1(info)
        await made.connect(new Http1(endpoint(), authorized()))
        return made as AnyClient
      },
    ],
    [
      'the client of SDK 1, over standard input',
      true,
      async () => {
        const { Client: Client1 } = await sdk1('index.js')
        const { StdioClientTransport: Stdio1 } = await sdk1('stdio.js')
        const made = new Client1(info)
        await made.connect(new Stdio1(stdio()))
        return made as AnyClient
      },
    ],
  ]

  for (const [name, needsSdk1, connect] of clients) {
    it.skipIf(needsSdk1 && lacksSdk1)(`talk by ${name}`, async () => {
      const connected = await connect()
      try {
        const { tools } = await connected.listTools()
        expect(tools.map((tool) => tool.name).sort()).toEqual(TOOLS)
        expect(await answerOf(connected, 'status')).toMatchObject({ connection: { state: 'connected' } })
        const { isError, content } = await call(connected, 'get_invocation', { id: 'none' })
        expect({ isError, content }).toMatchObject({
          isError: true,
          content: [{ text: expect.stringContaining('NOT_FOUND') }],
        })
      } finally {
        await connected.close()
      }
    })
  }

  it('need the token', async () => {
    const stranger = new Client(info)
    await expect(stranger.connect(new StreamableHTTPClientTransport(endpoint()))).rejects.toThrow()
  })

  it('get bodies that are masked, bounded, and marked as data from outside', async () => {
    const { invocations } = await answerOf(client, 'list_invocations', { limit: 1 })
    const { id } = invocations[0]
    const { content, structuredContent } = await call(client, 'get_invocation', { id, parts: ['event'] })
    expect(content[0]!.text).toMatch(/^Untrusted data/)
    expect(structuredContent.event).toMatchObject({ truncated: true, bytes: expect.any(Number) })
    expect(JSON.stringify(content).length).toBeLessThan(12_000)
    expect(JSON.stringify(content)).not.toContain('secret-of-the-caller')
    const pointed = await answerOf(client, 'get_invocation', { id, parts: ['event'], pointer: '/order' })
    expect(pointed.event).toEqual({ value: 7 })
  })

  it('get the latest lines for which there is room', async () => {
    await using other = await Inspected.start({}, (session) => {
      const executor = printing(async (print) => {
        for (let line = 1; line <= 100; line++) print(`${line} ${'x'.repeat(2_000)}`)
      })
      session.serve({ functions: { api: { target: async () => {}, executor } } })
    })
    await other.invoke({})
    const connected = await overHttp(other)
    const { lines, truncated } = await answerOf(connected, 'get_logs', { limit: 50 })
    expect(lines).toHaveLength(20)
    expect(truncated).toBe(30)
    expect(lines.at(-1).text).toMatch(/^100 x{996}$/)
    await connected.close()
  })

  it('get no data that the hook of the recorder leaves out, and cannot patch it', async () => {
    await using other = await Inspected.start((session) => ({
      history: record(session, { redact: { hook: () => undefined } }),
    }))
    await other.invoke({ order: 'number 7' })
    const connected = await overHttp(other)
    const { invocations } = await answerOf(connected, 'list_invocations')
    const { id } = invocations[0]
    expect(JSON.stringify(await call(connected, 'get_invocation', { id }))).not.toContain('number 7')
    await expect(answerOf(connected, 'replay_invocation', { id, patch: { order: 8 } })).rejects.toThrow(
      'takes no patch',
    )
    await connected.close()
  })

  it('wait for an invocation without taking it', async () => {
    const { cursor } = await answerOf(client, 'status')
    const waiting = answerOf(client, 'wait_for_invocation', { functionId: 'api', since: cursor })
    expect(await inspected.invoke({ order: 8 })).toMatchObject({ got: { order: 8 } })
    const found = await waiting
    expect(found.invocation).toMatchObject({ functionId: 'api', state: 'value' })
    const again = await answerOf(client, 'wait_for_invocation', { since: cursor })
    expect(again).toEqual(found)
    const late = await answerOf(client, 'wait_for_invocation', { since: found.cursor, timeoutMs: 1 })
    expect(late).toMatchObject({ timedOut: true, cursor: found.cursor, hint: expect.any(String) })
  })

  it('replay with a patch, and see the differences', async () => {
    const { invocations } = await answerOf(client, 'list_invocations', { limit: 1 })
    const { id } = invocations[0]
    const replay = await answerOf(client, 'replay_invocation', { id, patch: { order: 9 } })
    expect(replay).toMatchObject({ equal: false, diff: expect.stringContaining('9') })
    await expect(answerOf(client, 'replay_invocation', { id, as: 'remote' })).rejects.toThrow('FORBIDDEN')
  })

  it('read the documentation', async () => {
    const { topics } = await answerOf(client, 'read_docs')
    expect(topics).toContain('inspector')
    expect((await answerOf(client, 'read_docs', { topic: 'inspector' })).text).toContain('# ')
    await expect(answerOf(client, 'read_docs', { topic: '../package' })).rejects.toThrow('NOT_FOUND')
  })

  it('find the host again after it was restarted', async () => {
    const project = mkdtempSync(join(tmpdir(), 'agent-'))
    const made = new Client(info)
    const connected = made as unknown as AnyClient
    try {
      const first = await inspect(inspected.session, { folder: project })
      await made.connect(new StdioClientTransport({ ...stdio(), cwd: project }))
      await answerOf(connected, 'status')
      await first.close()
      await expect(answerOf(connected, 'status')).rejects.toThrow(/No inspector of .* runs/)
      await using _second = await inspect(inspected.session, { folder: project })
      expect(await answerOf(connected, 'status')).toMatchObject({ transport: 'memory' })
    } finally {
      await connected.close()
      rmSync(project, { recursive: true })
    }
  })

  it('mend a failing handler', async () => {
    const project = mkdtempSync(join(tmpdir(), 'mended-'))
    const file = join(project, 'orders.ts')
    const write = (body: string) =>
      writeFileSync(file, `export const handler = async (event: any) => { ${body} }\n`)
    write(
      'return { total: event.lines.reduce((sum: number, line: any) => sum + line.prize, 0).toFixed(2).missing.x }',
    )
    const [key, transport] = [generateKey(), memory()]
    const names = { app: 'shop', stage: 'dev' }
    await using session = createSession({ ...names, key, transport })
    session.serve({ executor: workerThreads(), functions: { orders: `${file}#handler` } })
    await using inspector = await inspect(session, { folder: project })
    await session.open()
    const stub = createStub({
      ...names,
      functionId: 'orders',
      key: stubKey({ ...names, key, functionId: 'orders' }),
      transport,
    })
    const made = new Client(info)
    const agent = made as unknown as AnyClient
    try {
      const headers = { Authorization: `Bearer ${new URL(inspector.url).searchParams.get('token')}` }
      await made.connect(
        new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${inspector.port}/mcp`), {
          requestInit: { headers },
        }),
      )

      const { cursor } = await answerOf(agent, 'status')
      const invoked = stub({ lines: [{ price: 2 }, { price: 3 }] }, stubContext()).catch(
        (error: Error) => error.name,
      )
      const { invocation } = await answerOf(agent, 'wait_for_invocation', { since: cursor, outcome: 'error' })
      expect(await invoked).toBe('TypeError')
      const { outcome } = await answerOf(agent, 'get_invocation', { id: invocation.id, parts: ['outcome'] })
      expect(outcome.value.error.trace.join('\n')).toContain('orders.ts:1')

      write('return { total: event.lines.reduce((sum: number, line: any) => sum + line.price, 0 }')
      const broken = await answerOf(agent, 'build_errors', { functionId: 'orders' })
      expect(broken).toMatchObject({ ok: false, errors: [{ functionId: 'orders', file, line: 1 }] })

      write(
        'console.log("mended"); return { total: event.lines.reduce((sum: number, line: any) => sum + line.price, 0) }',
      )
      expect(await answerOf(agent, 'build_errors', { functionId: 'orders' })).toMatchObject({
        ok: true,
        errors: [],
      })
      const replay = await answerOf(agent, 'replay_invocation', { id: invocation.id })
      expect(replay.outcome.value).toEqual({ kind: 'value', value: { total: 5 } })
      const { lines } = await answerOf(agent, 'get_logs', { id: replay.id })
      expect(lines).toMatchObject([{ text: 'mended' }])
    } finally {
      await agent.close()
      await stub.close()
      rmSync(project, { recursive: true })
    }
  })
})
