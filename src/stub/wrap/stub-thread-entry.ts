import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { TetherError } from '../../core/base/errors.js'
import { Caller } from '../../core/caller/caller.js'
import { checkStubOptions, type StubOptions } from '../handler.js'
import type { StubReply, StubRequest, StubThreadData } from './stub-thread-messages.js'

/** Whether this is the thread that stands beside a wrapped function. */
export function inStubThread(): boolean {
  return (workerData as Partial<StubThreadData> | null)?.lambdaTether === 'wrapped'
}

/**
 * Calls the session, or mirrors to it, for the function in the parent thread. It connects at once: while the function's own
 * code is being loaded.
 * @throws TetherError `INVALID_OPTION`
 */
export function serveStubThread(options: StubOptions): void {
  const port = parentPort!
  const waiting = new Int32Array((workerData as StubThreadData).waiting)
  const caller = new Caller(checkStubOptions(options))
  caller.connect()
  port.on('message', (request: StubRequest) => {
    if (request.type === 'call') return void answer(port, caller, request)
    const { facts, mirrored, event } = request
    caller
      .mirror({ ...facts, event: new TextEncoder().encode(event) }, mirrored)
      // A copy that does not arrive is nobody's loss but its reader's.
      .catch(() => {})
      .finally(() => Atomics.sub(waiting, 0, 1))
  })
}

async function answer(
  port: MessagePort,
  caller: Caller,
  { number, input }: StubRequest & { type: 'call' },
): Promise<void> {
  try {
    const outcome = await caller.call(input, () => reply(port, { type: 'acknowledged', number }))
    reply(port, { type: 'outcome', number, outcome })
  } catch (error) {
    // What is no TetherError is a mistake of the stub's: it ends the thread, and whoever started it tells what that means.
    if (!(error instanceof TetherError)) throw error
    const { code, message } = error
    reply(port, { type: 'failed', number, code, message })
  }
}

function reply(port: MessagePort, message: StubReply): void {
  port.postMessage(message)
}
