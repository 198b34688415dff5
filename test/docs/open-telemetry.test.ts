import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { SpanStatusCode, trace } from '@opentelemetry/api'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inline } from '../../src/executors/inline.js'
import type { FunctionSource } from '../../src/index.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'
import { programsOf } from './programs.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const guide = await readFile(join(root, 'docs/observability.md'), 'utf8')
const hook = programsOf('docs/observability.md', guide).find(({ source }) =>
  source.includes('startSpan('),
)!.source

const exporter = new InMemorySpanExporter()
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lambda-tether-hook-'))
  const outfile = join(folder, 'hook.mjs')
  await build({
    stdin: { contents: hook, resolveDir: root, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    // Otherwise the package would be found under its own name, in dist.
    alias: { 'lambda-tether': join(root, 'src/index.ts') },
    outfile,
  })
  // The API is one for the process, however many copies of it there are.
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
  )
  await import(pathToFileURL(outfile).href)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const source: FunctionSource = {
  load: async () => ({
    kind: 'module',
    load: async () => (event: unknown) => {
      if (event === 'bad') throw new RangeError('no')
      return 'ok'
    },
  }),
}

/** The spans of what `work` does, by name. */
async function spansOf(work: () => Promise<unknown>): Promise<Record<string, ReadableSpan>> {
  exporter.reset()
  await work()
  return Object.fromEntries(exporter.getFinishedSpans().map((span) => [span.name, span]))
}

describe('the OpenTelemetry hook of docs/observability.md', () => {
  // programs.test.ts compiles it.
  it('has twenty lines', () => {
    expect(
      hook
        .trim()
        .split('\n')
        .filter((line) => line !== '').length,
    ).toBeLessThanOrEqual(20)
  })

  it('makes a span of every stage, in one trace for both sides', async () => {
    await using tether = new Tether()
    const session = tether.session().serve({ executor: inline(), functions: { api: source } })
    const spans = await spansOf(async () => {
      await session.open()
      await tether.stub()('good', stubContext())
    })
    const of = (stage: string) => spans[`lambda-tether:${stage}`]!
    expect(Object.keys(spans).sort()).toEqual(
      ['build', 'call', 'connect', 'execute', 'invocation'].map((stage) => `lambda-tether:${stage}`),
    )
    for (const span of Object.values(spans)) expect(span.status.code).toBe(SpanStatusCode.UNSET)
    const { traceId, spanId } = of('invocation').spanContext()
    expect(of('call').spanContext().traceId).toBe(traceId)
    for (const part of ['build', 'execute']) {
      expect(of(part).parentSpanContext).toMatchObject({ traceId, spanId })
    }
    const invocationId = String(of('call').attributes.invocationId)
    expect(Buffer.from(invocationId, 'base64url').toString('hex')).toBe(traceId)
    expect(of('invocation').attributes).toMatchObject({ invocationId, functionId: 'api', session: 'default' })
    expect(of('execute').attributes).toMatchObject({ invocationId, executor: 'inline' })
    expect(of('connect').parentSpanContext).toBeUndefined()
    expect(of('connect').spanContext().traceId).not.toBe(traceId)
  })

  it('marks failed spans with the type of the error', async () => {
    await using tether = new Tether()
    const session = tether.session().serve({ executor: inline(), functions: { api: source } })
    await session.open()
    const spans = await spansOf(() => expect(tether.stub()('bad', stubContext())).rejects.toThrow('no'))
    for (const stage of ['call', 'invocation', 'execute']) {
      expect(spans[`lambda-tether:${stage}`]!.status, stage).toEqual({
        code: SpanStatusCode.ERROR,
        message: 'RangeError',
      })
    }
    expect(spans['lambda-tether:build']!.status.code).toBe(SpanStatusCode.UNSET)
  })
})
