import {
  GetFunctionUrlConfigCommand,
  InvokeCommand,
  InvokeWithResponseStreamCommand,
  type InvokeWithResponseStreamCommandInput,
  type LambdaClient,
  ListFunctionUrlConfigsCommand,
} from '@aws-sdk/client-lambda'
import { describe, expect, test } from 'vitest'
import { controlPlane } from './control-plane-fixture.js'
import { event, folder } from './lambda-fixture.js'

const FunctionName = 'fn'

/** Invokes it with AWS's own client, and reads its events. */
async function streamed(lambda: LambdaClient, more: Partial<InvokeWithResponseStreamCommandInput> = {}) {
  const command = new InvokeWithResponseStreamCommand({ FunctionName, ...more })
  const { ResponseStreamContentType, ExecutedVersion, EventStream } = await lambda.send(command)
  const chunks: string[] = []
  let complete: unknown
  for await (const { PayloadChunk, InvokeComplete } of EventStream ?? []) {
    if (PayloadChunk?.Payload !== undefined) chunks.push(Buffer.from(PayloadChunk.Payload).toString())
    complete = InvokeComplete
  }
  return { type: ResponseStreamContentType, version: ExecutedVersion, chunks, complete }
}

test('a function that does not stream comes as a whole, its error at the end', async () => {
  const { cloud, lambda } = await controlPlane()
  const code = `exports.handler = async (e, c) => {
    console.log('said')
    if (e.fails) throw new RangeError('no')
    return { e, c: c.clientContext ?? null }
  }`
  cloud.function({ name: FunctionName, bundle: await folder({ 'index.cjs': code }) })
  const context = Buffer.from('{"custom":{"a":"b"}}').toString('base64')
  expect(await streamed(lambda, { Payload: Buffer.from('{"漢":1}'), ClientContext: context })).toEqual({
    type: 'application/json',
    version: '$LATEST',
    chunks: ['{"e":{"漢":1},"c":{"custom":{"a":"b"}}}'],
    complete: {},
  })
  const failed = await streamed(lambda, { Payload: Buffer.from('{"fails":true}'), LogType: 'Tail' })
  expect(failed).toMatchObject({ chunks: [], complete: { ErrorCode: 'RangeError' } })
  const { ErrorDetails, LogResult } = failed.complete as Record<string, string>
  expect(JSON.parse(ErrorDetails ?? '')).toMatchObject({ errorType: 'RangeError', errorMessage: 'no' })
  expect(Buffer.from(LogResult ?? '', 'base64').toString()).toContain('said')
  await expect(streamed(lambda, { InvocationType: 'DryRun' })).resolves.toMatchObject({ chunks: [] })
})

describe('a function that streams', () => {
  const CODE = `
    const { setTimeout: wait } = require('node:timers/promises')
    exports.handler = awslambda.streamifyResponse(async (event, stream) => {
      if (event.early) throw new RangeError('early')
      if (event.http) stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201, cookies: ['a=b'] })
      else stream.setContentType('text/event-stream')
      stream.write('one ')
      if (event.bytes) stream.write(Buffer.alloc(event.bytes, 'x'))
      if (event.late) throw new RangeError('late')
      if (event.exit) setTimeout(() => process.exit(3), 20)
      if (event.hangs || event.exit) return
      await wait(20)
      stream.write('two')
      stream.end()
    })`

  async function streaming() {
    const { cloud, lambda } = await controlPlane()
    const fn = cloud.function({
      name: FunctionName,
      bundle: await folder({ 'index.cjs': CODE }),
      timeoutMs: 1_500,
    })
    return { cloud, lambda, fn, run: (event: object) => streamed(lambda, { Payload: bytes(event) }) }
  }

  test('is streamed as it writes, with its error before or after the first byte', async () => {
    const { run } = await streaming()
    expect(await run({})).toMatchObject({
      type: 'text/event-stream',
      chunks: ['one ', 'two'],
      complete: {},
    })
    expect(await run({ early: true })).toMatchObject({ chunks: [], complete: { ErrorCode: 'RangeError' } })
    const late = await run({ late: true })
    expect(late).toMatchObject({ chunks: ['one '], complete: { ErrorCode: 'RangeError' } })
    expect(JSON.parse((late.complete as Record<string, string>).ErrorDetails ?? '')).toMatchObject({
      errorType: 'RangeError',
      errorMessage: 'late',
      trace: expect.arrayContaining(['RangeError: late']),
    })
    expect(await run({ exit: true })).toMatchObject({
      chunks: ['one '],
      complete: { ErrorCode: 'Runtime.ExitError' },
    })
    expect(await run({ hangs: true })).toMatchObject({
      chunks: ['one '],
      complete: { ErrorCode: 'Sandbox.Timedout' },
    })
  })

  test('is collected by Invoke, its prelude included, up to 6 MB', async () => {
    const { lambda } = await streaming()
    const run = async (event: object) => {
      const { Payload, FunctionError } = await lambda.send(
        new InvokeCommand({ FunctionName, Payload: bytes(event) }),
      )
      return { text: Buffer.from(Payload ?? []).toString(), FunctionError }
    }
    expect(await run({})).toEqual({ text: 'one two', FunctionError: undefined })
    expect(await run({ http: true })).toEqual({
      text: `{"statusCode":201,"cookies":["a=b"]}${'\0'.repeat(8)}one two`,
      FunctionError: undefined,
    })
    const late = await run({ late: true })
    expect([late.FunctionError, JSON.parse(late.text).errorMessage]).toEqual(['Unhandled', 'late'])
    const large = await run({ bytes: 6_291_550 })
    expect([large.FunctionError, JSON.parse(large.text)]).toEqual([
      'Unhandled',
      {
        errorType: 'Function.ResponseSizeTooLarge',
        errorMessage:
          'Response payload size (6291557 bytes) exceeded maximum allowed payload size (6291556 bytes).',
      },
    ])
  })

  test('has its status and its bytes sent by a URL that streams, and counts as one invocation', async () => {
    const { cloud, fn } = await streaming()
    const told = event(cloud.lambda, 'invocation')
    const code = CODE.replace('event.early', 'event.rawPath === "/early"').replace(
      'event.http',
      'event.rawPath === "/http"',
    )
    const other = cloud.function({ name: 'url', bundle: await folder({ 'index.cjs': code }) })
    const { url } = await cloud.functionUrl(other, { invokeMode: 'RESPONSE_STREAM' })
    const plain = await fetch(url)
    expect([plain.status, plain.headers.get('content-type'), await plain.text()]).toEqual([
      200,
      'text/event-stream',
      'one two',
    ])
    expect(await told).toMatchObject({ functionName: 'url', payload: new Uint8Array() })
    const http = await fetch(`${url}/http`)
    expect([http.status, http.headers.get('set-cookie'), await http.text()]).toEqual([201, 'a=b', 'one two'])
    expect((await fetch(`${url}/early`)).status).toBe(502)
    expect(fn.environments()).toEqual([])
    await expect.poll(() => other.environments().map(({ state }) => state)).toEqual(['frozen'])
  })
})

function bytes(event: object): Uint8Array {
  return Buffer.from(JSON.stringify(event))
}

test("a function's URL is told by Lambda's API", async () => {
  const { cloud, lambda } = await controlPlane()
  const bundle = await folder({ 'index.cjs': 'exports.handler = async () => 1' })
  const fn = cloud.function({ name: FunctionName, bundle })
  await expect(lambda.send(new GetFunctionUrlConfigCommand({ FunctionName }))).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  })
  const { url } = await cloud.functionUrl(fn, { invokeMode: 'RESPONSE_STREAM' })
  const config = {
    FunctionUrl: `${url}/`,
    AuthType: 'NONE',
    InvokeMode: 'RESPONSE_STREAM',
    FunctionArn: fn.arn,
  }
  expect(await lambda.send(new GetFunctionUrlConfigCommand({ FunctionName }))).toMatchObject(config)
  const { FunctionUrlConfigs } = await lambda.send(new ListFunctionUrlConfigsCommand({ FunctionName }))
  expect(FunctionUrlConfigs).toMatchObject([config])
})
