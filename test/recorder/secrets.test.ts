import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Executor, LogEntry } from '../../src/index.js'
import { openRecordings, record, toFixture, toHar, writeFixture } from '../../src/recorder/index.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'
import { named, planted } from './secrets.js'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const texts = planted.map(({ text }) => text)
const VARIABLES = {
  AWS_SECRET_ACCESS_KEY: 'from+the+environment/0123456789abcdefghij',
  DB_PASSWORD: 'only-in-a-variable',
  TABLE: 'orders',
}
const secrets = [
  ...planted.map(({ secret }) => secret),
  ...Object.values(named),
  VARIABLES.DB_PASSWORD,
  VARIABLES.AWS_SECRET_ACCESS_KEY,
]

const http = {
  version: '2.0',
  rawPath: '/login',
  rawQueryString: `token=${named.password}&q=1`,
  cookies: [named.Cookie!],
  headers: { ...named, 'content-type': 'application/json' },
  queryStringParameters: { token: named.password },
  requestContext: {
    http: { method: 'POST', path: '/login', protocol: 'HTTP/1.1' },
    domainName: 'abc.execute-api.eu-west-1.amazonaws.com',
    authorizer: { jwt: { claims: { sub: named.ssn } } },
  },
  body: base64(JSON.stringify({ ...named, texts })),
  isBase64Encoded: true,
}
const events: Record<string, unknown> = {
  http,
  rest: {
    httpMethod: 'POST',
    path: '/',
    multiValueHeaders: Object.fromEntries(
      Object.entries(named).map(([name, value]) => [name, [value, 'second']]),
    ),
    requestContext: { identity: { apiKey: named['X-Api-Key'] } },
    body: texts.find((text) => text.startsWith('user=')),
  },
  sqs: {
    Records: [
      {
        eventSource: 'aws:sqs',
        body: JSON.stringify({ Type: 'Notification', Message: JSON.stringify({ texts, ...named }) }),
      },
    ],
  },
  kinesis: { Records: [{ eventSource: 'aws:kinesis', kinesis: { data: base64(JSON.stringify(named)) } }] },
  large: { padding: 'x'.repeat(80_000), texts, named },
  texts,
}

/** The letters of base64 that depend on a text alone, wherever it begins in what is encoded. */
function base64Forms(text: string): string[] {
  return [0, 1, 2].map((before) => {
    const encoded = base64('\0'.repeat(before) + text).replaceAll('=', '')
    return encoded.slice(before === 0 ? 0 : before + 1, -2)
  })
}

function foundIn(content: string): string[] {
  return secrets.filter((secret) => {
    const forms = [
      secret,
      JSON.stringify(secret).slice(1, -1),
      encodeURIComponent(secret),
      ...base64Forms(secret),
    ]
    return forms.some((form) => content.includes(form))
  })
}

const leaking: Executor = {
  name: 'leaking',
  async execute({ event, env, onLog }) {
    const log = (text: string) => onLog({ stream: 'stdout', text, time: 0 } satisfies LogEntry)
    for (const text of texts) for (const line of text.split('\n')) log(line)
    log(`connecting with ${env.DB_PASSWORD} and ${env.AWS_SECRET_ACCESS_KEY}`)
    log(JSON.stringify({ level: 'info', headers: named }))
    const parsed = JSON.parse(Buffer.from(event).toString())
    if (Array.isArray(parsed)) {
      const errorMessage = `upstream refused: ${texts.join(' | ')}`
      return {
        kind: 'error',
        error: {
          errorType: 'Error',
          errorMessage,
          trace: [errorMessage, ...texts],
          cause: { errorType: 'E', errorMessage, trace: [] },
        },
      }
    }
    return {
      kind: 'value',
      body: Buffer.from(
        JSON.stringify({
          statusCode: 200,
          headers: named,
          cookies: [named.Cookie],
          body: JSON.stringify({ texts, event: parsed }),
        }),
      ),
    }
  },
  reload: async () => {},
  close: async () => {},
  [Symbol.asyncDispose]: async () => {},
}

describe('the written files', () => {
  let root: string
  let contents: Record<string, string>
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'secrets-'))
    const folder = join(root, 'kept')
    await using tether = new Tether()
    const session = tether.session()
    const recorder = record(session, { folder })
    session.serve({ functions: { api: { target: async () => {}, executor: leaking } } })
    await session.open()
    const clientContext = { custom: { ...named, texts } }
    for (const event of Object.values(events))
      await tether
        .stub({ env: VARIABLES })(
          event,
          stubContext({ clientContext, identity: { token: named.idToken } } as never),
        )
        .catch(() => {})
    await recorder.close()
    expect(recorder.records()).toHaveLength(Object.keys(events).length)
    for (const [index, each] of recorder.records().entries()) {
      // Secrets are there in memory, or nothing would be tested.
      expect(foundIn(JSON.stringify([each.event, each.outcome, each.logs, each.context]))).not.toEqual([])
      await writeFixture(join(root, `${index}.json`), each)
      await writeFixture(join(root, `${index}.whole.json`), each, { whole: true })
    }
    contents = { 'memory.har': JSON.stringify(toHar(recorder.records())) }
    const stored: unknown[] = []
    for await (const each of openRecordings(folder).records()) {
      stored.push(each)
      contents[`stored ${stored.length}`] = JSON.stringify([
        toFixture(each),
        toFixture(each, { whole: true }),
        toHar([each]),
      ])
    }
    expect(stored).toHaveLength(Object.keys(events).length)
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name)
      if (entry.isFile()) contents[path.slice(root.length)] = await readFile(path, 'utf8')
    }
  })
  afterAll(() => rm(root, { recursive: true, force: true }))

  it('contain no secret, in any spelling', () => {
    const found = Object.entries(contents).flatMap(([name, content]) =>
      foundIn(content).map((secret) => `${name}: ${secret}`),
    )
    expect(found).toEqual([])
    // A recording, the key, .gitignore and a large body; two fixtures for each record.
    expect(Object.keys(contents).length).toBeGreaterThan(15)
    expect(Object.values(contents).join('')).toContain('[redacted:sha256:')
  })

  it('keep ordinary text', () => {
    const all = Object.values(contents).join('')
    for (const text of ['/login', 'abc.execute-api', '"q=1"', 'content-type', 'x'.repeat(80_000)])
      expect(all).toContain(text === '"q=1"' ? '&q=1' : text)
  })
})
