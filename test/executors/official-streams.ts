import { toLambdaError } from '../../src/core/base/errors.js'
import type { Outcome } from '../../src/index.js'

const HTTP = 'application/vnd.awslambda.http-integration-response'
const OCTETS = 'application/octet-stream'
const NULS = '\0'.repeat(8)

/** What a streaming handler does, and what aws-lambda-ric 4.0.2 posts for it. */
export interface OfficialStream {
  readonly name: string
  /** The body of an async function of `s`, the stream, and `context`; or a whole function. */
  readonly code: string
  readonly posts: Streamed
}

/** A streamed response, collected. */
export interface Streamed {
  readonly contentType: string | undefined
  readonly body: string
  /** Its type and message. */
  readonly error?: readonly [type: string, message: string]
}

const from = (prelude: object, more: string) =>
  `s = awslambda.HttpResponseStream.from(s, ${JSON.stringify(prelude)}); ${more}`
const CREATED = { statusCode: 201, headers: { 'x-a': 'b' }, cookies: ['c=d'] }
const PRELUDE = JSON.stringify(CREATED) + NULS

/** Recorded from the official client, next to which the tests run where it is installed. */
export const OFFICIAL_STREAMS: readonly OfficialStream[] = [
  {
    name: 'two writes and an end',
    code: `s.write('hello '); s.write('world'); s.end()`,
    posts: { contentType: OCTETS, body: 'hello world' },
  },
  {
    name: 'a content type of its own',
    code: `s.setContentType('text/event-stream'); s.write('data: 1\\n\\n'); s.end()`,
    posts: { contentType: 'text/event-stream', body: 'data: 1\n\n' },
  },
  {
    name: 'a content type after the first write',
    code: `s.write('some'); s.setContentType('text/plain')`,
    posts: {
      contentType: OCTETS,
      body: 'some',
      error: ['Runtime.InvalidStreamingOperation', 'Cannot set content-type, too late.'],
    },
  },
  {
    name: 'a prelude, and a body in two writes',
    code: from(CREATED, `s.write('one'); s.write('two'); s.end()`),
    posts: { contentType: HTTP, body: `${PRELUDE}onetwo` },
  },
  {
    name: 'a prelude, and an end without a write',
    code: from(CREATED, 's.end()'),
    posts: { contentType: HTTP, body: '' },
  },
  {
    name: 'a prelude, and an end with the body',
    code: from(CREATED, `s.end('body')`),
    posts: { contentType: HTTP, body: 'body' },
  },
  {
    name: 'a prelude, and an empty write',
    code: from(CREATED, `s.write(''); s.end()`),
    posts: { contentType: HTTP, body: PRELUDE },
  },
  {
    name: 'an end, and nothing else',
    code: 's.end()',
    posts: { contentType: OCTETS, body: '' },
  },
  {
    name: 'an error before the first byte',
    code: `throw new TypeError('early')`,
    posts: { contentType: OCTETS, body: '', error: ['TypeError', 'early'] },
  },
  {
    name: 'an error after the first byte',
    code: `s.write('some'); throw new RangeError('late')`,
    posts: { contentType: OCTETS, body: 'some', error: ['RangeError', 'late'] },
  },
  {
    name: 'an error between a prelude and its first byte',
    code: from(CREATED, `throw new Error('between')`),
    posts: { contentType: HTTP, body: '', error: ['Error', 'between'] },
  },
  {
    name: 'something thrown that is no error',
    code: `s.write('some'); throw 'a string'`,
    posts: { contentType: OCTETS, body: 'some', error: ['string', 'a string'] },
  },
  {
    name: 'an error after the end',
    code: `s.write('all'); s.end(); throw new Error('unheard')`,
    posts: { contentType: OCTETS, body: 'all' },
  },
  {
    name: 'an object, a number and bytes',
    code: `s.write({ a: 1 }); s.write(2); s.write(new Uint8Array([0xe6, 0xbc, 0xa2])); s.write(Buffer.from('!')); s.end()`,
    posts: { contentType: OCTETS, body: '{"a":1}2漢!' },
  },
  {
    name: 'a write in base64',
    code: `s.write('aGVsbG8=', 'base64'); s.end()`,
    posts: { contentType: OCTETS, body: 'hello' },
  },
  {
    name: 'a value that is returned',
    code: `s.write('the stream'); s.end(); return 'ignored'`,
    posts: { contentType: OCTETS, body: 'the stream' },
  },
  {
    name: 'a handler that is not async',
    code: `(s) => { s.write('some'); s.end() }`,
    posts: { contentType: OCTETS, body: 'some' },
  },
  {
    name: 'a handler that is not async and ends nothing',
    code: `(s) => { s.write('some') }`,
    posts: {
      contentType: OCTETS,
      body: 'some',
      error: ['Error', 'Streaming does not support non-async handlers.'],
    },
  },
  {
    name: 'a pipeline',
    code: `const { pipeline } = await import('node:stream/promises'); const { Readable } = await import('node:stream')
      await pipeline(Readable.from(['a', 'b', 'c']), s)`,
    posts: { contentType: OCTETS, body: 'abc' },
  },
  {
    name: 'writes that wait for drain',
    code: `const { once } = await import('node:events'); const chunk = 'x'.repeat(50_000)
      for (let n = 0; n < 20; n++) if (!s.write(chunk)) await once(s, 'drain')
      s.end('.')`,
    posts: { contentType: OCTETS, body: `${'x'.repeat(1_000_000)}.` },
  },
  {
    name: "the stream's members",
    code: `const names = ['cork','uncork','setContentType','on','once','off','emit','destroyed','writable','writableEnded','writableFinished','writableNeedDrain','writableObjectMode','writableCorked','pipe','setHeader','flushHeaders','_write'];
      s.write(names.map((name) => typeof s[name]).join()); s.end()`,
    posts: {
      contentType: OCTETS,
      body: 'function,function,function,function,function,function,function,boolean,boolean,boolean,boolean,boolean,boolean,number,undefined,undefined,undefined,undefined',
    },
  },
  {
    name: 'a callback for each write, and one for the end',
    code: `const told = []; const tell = (what) => () => told.push(what)
      await new Promise((resolve) => { s.write('a', () => { s.write('b', 'utf8', resolve) }) })
      s.end('c')`,
    posts: { contentType: OCTETS, body: 'abc' },
  },
]

/** A CommonJS module whose `handler` does what `event.row` says, by number. */
export const OFFICIAL_HANDLER = `
  const rows = [${OFFICIAL_STREAMS.map(({ code }) => (code.startsWith('(s)') ? code : `async (s, context) => { ${code} }`)).join(',\n')}]
  exports.handler = awslambda.streamifyResponse((event, s, context) => rows[event.row](s, context))
  exports.marked = awslambda.streamifyResponse(async (event, s) => { s.write(String(s.writableHighWaterMark)); s.end() }, { highWaterMark: 1234 })
  exports.contextual = awslambda.streamifyResponse(async (event, s, context) => {
    s.write(JSON.stringify([context.awsRequestId, typeof context.getRemainingTimeInMillis(), typeof context.done])); s.end()
  })
`

/** What an outcome that must stream brings, to its end. */
export async function streamedBy(outcome: Outcome): Promise<Streamed> {
  if (outcome.kind !== 'stream') throw new Error(`No stream, but ${JSON.stringify(outcome)}`)
  const { contentType, body } = outcome
  const chunks: Uint8Array[] = []
  const text = () => Buffer.concat(chunks).toString()
  try {
    for await (const chunk of body) chunks.push(chunk)
  } catch (thrown) {
    const { errorType, errorMessage } = toLambdaError(thrown)
    return { contentType, body: text(), error: [errorType, errorMessage] }
  }
  return { contentType, body: text() }
}
