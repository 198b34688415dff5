/** The functions of the executor suite for Node: each export is one `FunctionBehaviour`. */

import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import { setTimeout } from '../../core/base/timers.js'
import type { HandlerCallback, LambdaContext } from '../../core/contracts/handler.js'
import type { Command } from '../executor/behaviour.js'

class ConformanceError extends Error {
  override readonly name = 'ConformanceError'
}

class ConformanceCause extends Error {
  override readonly name = 'ConformanceCause'
}

const atStart = { ...process.env }
// Module state lasts as long as the execution environment, and the suite tests that.
const invocations = { count: 0 }

export const echo = async (event: unknown) => event

export const environment = async () => ({ atStart, now: { ...process.env }, count: ++invocations.count })

export const context = async (_event: unknown, given: LambdaContext) => {
  const clientContext = given.clientContext as { custom?: unknown } | undefined
  const identity = given.identity as Record<string, unknown> | undefined
  return {
    awsRequestId: given.awsRequestId,
    functionName: given.functionName,
    functionVersion: given.functionVersion,
    invokedFunctionArn: given.invokedFunctionArn,
    memoryLimitInMB: given.memoryLimitInMB,
    logGroupName: given.logGroupName,
    logStreamName: given.logStreamName,
    custom: clientContext?.custom ?? null,
    cognitoIdentityId: identity?.cognitoIdentityId ?? null,
    cognitoIdentityPoolId: identity?.cognitoIdentityPoolId ?? null,
    tenantId: given.tenantId ?? null,
    traceId: process.env._X_AMZN_TRACE_ID ?? null,
  }
}

export const remaining = async (_event: unknown, given: LambdaContext) => {
  const before = given.getRemainingTimeInMillis()
  await new Promise((resolve) => setTimeout(resolve, 51))
  return [before, given.getRemainingTimeInMillis()]
}

export const count = async ({ fail }: { fail?: boolean }) => {
  invocations.count++
  if (fail) throw new ConformanceError('counted')
  return invocations.count
}

function failOnPurpose(message: string): never {
  throw new ConformanceError(message, { cause: new ConformanceCause('underneath') })
}

const fail = async ({ message }: { message: string }) => failOnPurpose(message)

const throwValue = async ({ value }: { value: unknown }) => {
  throw value
}

export const print = async ({ mark, bytes }: { mark: string; bytes: number }) => {
  process.stdout.write(`${mark} one\n${mark} 漢\r\n`)
  process.stdout.write('x'.repeat(bytes))
  process.stdout.write(`\n${mark} unfinished`)
  process.stderr.write(`${mark} to stderr\n${JSON.stringify({ level: 'WARN', mark })}\n`)
  return null
}

/** Not async: the return value is the answer. */
export const plain = (event: unknown) => event

/** Answers `event.answer` in its callback, or fails there when `event.message` is given. */
export const callback = (event: { answer?: unknown; message?: string }, _: unknown, end: HandlerCallback) => {
  setTimeout(() => {
    if (event.message !== undefined) end(new ConformanceError(event.message))
    else end(null, event.answer)
  }, 1)
}

/** Ends by a method of the context: `event.method` is `succeed`, `fail` or `done`, its argument `event.answer`. */
export const method = (event: { method: string; answer?: unknown }, given: LambdaContext) => {
  setTimeout(() => {
    if (event.method === 'succeed') given.succeed(event.answer)
    else if (event.method === 'done') given.done(null, event.answer)
    else given.fail(new ConformanceError(String(event.answer)))
  }, 1)
}

/**
 * Answers at once, in its callback, with a list to which `later` is added soon after. `event.waits` sets whether the
 * answer waits for the event loop.
 */
export const late = (event: { waits: boolean }, given: LambdaContext, end: HandlerCallback) => {
  const seen: string[] = []
  given.callbackWaitsForEmptyEventLoop = event.waits
  setTimeout(() => seen.push('later'), 20)
  end(null, seen)
}

export const obey = async ({ port }: { port: number }) => {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8')
  return new Promise((resolve) => {
    const commands: Record<Command, () => void> = {
      answer: () => socket.end(() => resolve('answered')),
      stay: () => resolve('staying'),
      exit: () => process.exit(37),
      'exit 0': () => process.exit(0),
      loop() {
        for (;;);
      },
      start: () => startAnother(port),
      grow: () => resolve(grow()),
      reject: () => void Promise.reject(new ConformanceError('unheard')),
      throw() {
        throw new ConformanceError('loose')
      },
    }
    let text = ''
    socket.on('data', (chunk) => {
      const lines = `${text}${chunk}`.split('\n')
      text = lines.pop() ?? ''
      for (const line of lines) commands[line as Command]()
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve('left'))
  })
}

/** Each byte is the number of its place modulo 251. */
const COUNTED = Buffer.alloc(65_536 + 251).map((_, place) => place % 251)

/** The output stream of a streaming handler. */
interface Output extends NodeJS.WritableStream {
  setContentType(contentType: string): void
}

const stream = async (
  event: {
    contentType?: string
    prelude?: object
    texts?: string[]
    bytes?: number
    port?: number
    message?: string
  },
  output: Output,
) => {
  const { contentType, prelude, texts = [], bytes = 0, port, message } = event
  if (contentType !== undefined) output.setContentType(contentType)
  if (prelude !== undefined) fromAwslambda(output, prelude)
  for (const text of texts) output.write(text)
  for (let at = 0; at < bytes; at += 65_536) {
    const chunk = COUNTED.subarray(at % 251).subarray(0, Math.min(65_536, bytes - at))
    if (!output.write(chunk)) await new Promise((resolve) => output.once('drain', resolve))
  }
  if (port !== undefined) await obey({ port })
  if (message !== undefined) throw new ConformanceError(message)
  output.end()
}

// The mark that awslambda.streamifyResponse() sets: this module is also loaded where `awslambda` does not exist.
Object.assign(stream, { [Symbol.for('aws.lambda.runtime.handler.streaming')]: 'response' })

function fromAwslambda(output: Output, prelude: object): void {
  const { awslambda } = globalThis as unknown as {
    awslambda: { HttpResponseStream: { from(stream: Output, prelude: object): Output } }
  }
  awslambda.HttpResponseStream.from(output, prelude)
}

function startAnother(port: number): void {
  const script = `require('node:net').connect(${port}, '127.0.0.1').on('error', () => {}).on('close', () => process.exit()).resume()`
  spawn(process.execPath, ['-e', script], { stdio: 'ignore' }).unref()
}

function grow(): string {
  let kept: unknown
  // 100 bytes each, 1 GB together. Only small steps make sure that a thread ends before it is far beyond its limit:
  // with arrays of 8 KB, Node 24 ends the whole process.
  for (let n = 0; n < 10_000_000; n++) kept = { kept, n, more: [n, n, n] }
  return kept === undefined ? 'nothing was kept' : 'no limit was met'
}

export { fail as throw, stream, throwValue as 'throw-value' }
