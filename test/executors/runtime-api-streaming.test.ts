import { execFile } from 'node:child_process'
import { type ClientRequest, request } from 'node:http'
import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { toLambdaError } from '../../src/core/base/errors.js'
import type { RuntimeStream } from '../../src/executors/runtime-api/answer.js'
import { RuntimeApi } from '../../src/executors/runtime-api/server.js'

const invocation = {
  requestId: 'a-request',
  event: Buffer.from('{}'),
  deadline: 1_800_000_000_000,
  functionArn: 'arn:aws:lambda:us-east-1:123456789012:function:fn',
}
const RESPONSE = '/2018-06-01/runtime/invocation/a-request/response'
const STREAMING = { 'Lambda-Runtime-Function-Response-Mode': 'streaming' }

/** A Runtime API whose one invocation a runtime has been handed. */
async function running() {
  const api = new RuntimeApi()
  await api.open()
  onTestFinished(() => api.close())
  const url = `http://${api.address}`
  const answer = api.invoke(invocation) as Promise<RuntimeStream>
  answer.catch(() => {})
  await (await fetch(`${url}/2018-06-01/runtime/invocation/next`)).arrayBuffer()
  const post = (headers: Record<string, string> = {}): ClientRequest => {
    const call = request(url + RESPONSE, { method: 'POST', headers: { ...STREAMING, ...headers } })
    call.on('error', () => {})
    return call
  }
  return { api, url, answer, post }
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

async function nextText(stream: RuntimeStream): Promise<string> {
  return Buffer.from((await stream.body.next()).value ?? []).toString()
}

test('a streamed response is there with its headers, and each part when it comes', async () => {
  const { answer, post, url } = await running()
  const call = post({ 'Content-Type': 'text/event-stream' })
  call.flushHeaders()
  const stream = await answer
  expect(stream).toMatchObject({ kind: 'stream', contentType: 'text/event-stream' })
  call.write('one')
  expect(await nextText(stream)).toBe('one')
  const early = await fetch(`${url}/2018-06-01/runtime/invocation/next`)
  expect([early.status, await early.json()]).toMatchObject([403, { errorType: 'InvalidStateTransition' }])
  call.write('two')
  expect(await nextText(stream)).toBe('two')
  const replied = new Promise<number | undefined>((resolve) => {
    call.on('response', ({ statusCode }) => resolve(statusCode))
  })
  call.end()
  expect(await nextText(stream)).toBe('')
  expect(await replied).toBe(202)
})

test('streams of curl and of a client with its own trailers arrive', async () => {
  const curl = await running()
  const mode = `Lambda-Runtime-Function-Response-Mode: streaming`
  execFile('curl', ['-sT', '-', '-X', 'POST', '-H', mode, curl.url + RESPONSE]).stdin?.end('from curl')
  const { body } = await curl.answer
  expect(await textOf(body)).toBe('from curl')

  const raw = await running()
  const socket = connect(Number(new URL(raw.url).port), '127.0.0.1')
  const stack = Array.from({ length: 200 }, (_, line) => `    at deep (/code/${'x'.repeat(80)}.js:${line})`)
  const error = { errorType: 'Late', errorMessage: 'm', trace: stack }
  const base64 = Buffer.from(JSON.stringify(error)).toString('base64')
  expect(base64.length).toBeGreaterThan(16_384)
  socket.end(
    `POST ${RESPONSE} HTTP/1.1\r\nHost: ${new URL(raw.url).host}\r\nTransfer-Encoding: chunked\r\n${mode}\r\n` +
      'Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n4\r\npart\r\n0\r\n' +
      `Lambda-Runtime-Function-Error-Type: Late\r\nLambda-Runtime-Function-Error-Body: ${base64}\r\n\r\n`,
  )
  const stream = await raw.answer
  expect(await nextText(stream)).toBe('part')
  expect(toLambdaError(await stream.body.next().catch((thrown: unknown) => thrown))).toEqual(error)
})

test('a reader holds its runtime up, and gets every byte', async () => {
  const { answer, post } = await running()
  const call = post()
  const chunk = Buffer.alloc(1024 * 1024, 'x')
  const total = 32 * chunk.length
  let read = 0
  let readWhenWritten = 0
  call.on('finish', () => {
    readWhenWritten = read
  })
  for (let bytes = 0; bytes < total; bytes += chunk.length) call.write(chunk)
  call.end()
  const { body } = await answer
  for await (const part of body) read += part.length
  expect(read).toBe(total)
  // What the two sockets of a connection hold is the system's.
  expect(readWhenWritten).toBeGreaterThan(total / 2)
})

test('a broken connection is reported, and leaves the stream open', async () => {
  const { answer, post } = await running()
  const call = post()
  call.write('some')
  const stream = await answer
  expect(await nextText(stream)).toBe('some')
  call.destroy()
  await stream.cut
  expect(stream.body.over).toBe(false)
})
