import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { TetherError, toLambdaError } from '../../core/base/errors.js'
import { Caller } from '../../core/caller/caller.js'
import { checkStubOptions, type StreamingStubOptions, type StubOptions } from '../handler.js'
import type { StreamPart, StubReply, StubRequest, StubThreadData } from './stub-thread-messages.js'

/** Whether this is the thread beside a wrapped function. */
export function inStubThread(): boolean {
  return (workerData as Partial<StubThreadData> | null)?.lambdaTether === 'wrapped'
}

/**
 * Calls the session, or mirrors to it, for the function in the parent thread. Connects at once, while the function's
 * own code is loading.
 * @throws TetherError `INVALID_OPTION`
 */
export function serveStubThread(options: StubOptions | StreamingStubOptions): void {
  const port = parentPort!
  const waiting = new Int32Array((workerData as StubThreadData).waiting)
  const caller = new Caller(checkStubOptions(options))
  caller.connect()
  const streams = new Map() as Streams
  port.on('message', (request: StubRequest) => {
    if (request.type === 'call') return void answer(port, caller, streams, request)
    if (request.type === 'more') return void sendPart(port, streams, request.number)
    if (request.type === 'leave') return leave(streams, request.number)
    const { facts, mirrored, event } = request
    caller
      .mirror({ ...facts, event: new TextEncoder().encode(event) }, mirrored)
      // A lost copy affects only its reader.
      .catch(() => {})
      .finally(() => Atomics.sub(waiting, 0, 1))
  })
}

type Streams = Map<number, AsyncIterator<Uint8Array>>

async function answer(
  port: MessagePort,
  caller: Caller,
  streams: Streams,
  { number, input }: StubRequest & { type: 'call' },
): Promise<void> {
  try {
    const outcome = await caller.call(input, () => reply(port, { type: 'acknowledged', number }))
    if (outcome.kind !== 'stream') return reply(port, { type: 'outcome', number, outcome })
    streams.set(number, outcome.body[Symbol.asyncIterator]())
    reply(port, { type: 'stream', number, contentType: outcome.contentType })
  } catch (error) {
    // Any other error is a bug in the stub: it ends the thread, and the parent fails its calls accordingly.
    if (!(error instanceof TetherError)) throw error
    const { code, message } = error
    reply(port, { type: 'failed', number, code, message })
  }
}

async function sendPart(port: MessagePort, streams: Streams, number: number): Promise<void> {
  const part = await nextPart(streams.get(number))
  if (part.kind !== 'bytes') streams.delete(number)
  reply(port, { type: 'part', number, part })
}

async function nextPart(stream: AsyncIterator<Uint8Array> | undefined): Promise<StreamPart> {
  try {
    const step = await stream?.next()
    // Cloning a view clones its whole buffer.
    return step === undefined || step.done ? { kind: 'end' } : { kind: 'bytes', bytes: step.value.slice() }
  } catch (error) {
    if (!(error instanceof TetherError)) return { kind: 'error', error: toLambdaError(error) }
    const { code, message } = error
    return { kind: 'failed', code, message }
  }
}

function leave(streams: Streams, number: number): void {
  void streams.get(number)?.return?.()
  streams.delete(number)
}

function reply(port: MessagePort, message: StubReply): void {
  port.postMessage(message)
}
