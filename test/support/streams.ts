import { TetherError } from '../../src/core/base/errors.js'
import type { CallOutcome } from '../../src/core/caller/call-state.js'
import { Caller } from '../../src/core/caller/caller.js'
import type { Executor, FunctionSource, Outcome, StreamedResponse, Task, Transport } from '../../src/index.js'
import { checkStubOptions } from '../../src/stub/handler.js'
import type { StubOptions } from '../../src/stub/index.js'
import type { Tether } from './tether.js'

/** A stub's caller, whose calls take streams unless they say otherwise. */
export class StreamCaller implements AsyncDisposable {
  readonly caller: Caller

  constructor(tether: Tether, options: Partial<StubOptions> = {}) {
    const { transport, key } = { transport: tether.transport as Transport, key: tether.stubKey(), ...options }
    this.caller = new Caller(checkStubOptions({ app: 'shop', stage: 'dev', ...options, transport, key }))
  }

  call(options: { streams?: boolean; event?: unknown; remainingMs?: number } = {}): Promise<CallOutcome> {
    const { streams = true, event = {}, remainingMs = 60_000 } = options
    const context = {
      awsRequestId: 'r-1',
      functionName: 'api',
      functionVersion: '1',
      invokedFunctionArn: 'arn',
      memoryLimitInMB: '128',
      logGroupName: 'group',
      logStreamName: 'stream',
    }
    const bytes = Buffer.from(JSON.stringify(event))
    return this.caller.call({ functionId: 'api', event: bytes, context, env: {}, remainingMs, streams })
  }

  async stream(options: Parameters<StreamCaller['call']>[0] = {}): Promise<StreamedResponse> {
    const outcome = await this.call(options)
    if (outcome.kind !== 'stream') throw new Error(`It answered with ${JSON.stringify(outcome)}.`)
    return outcome
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.caller.close()
  }
}

/** Runs functions that answer with streams; what their bodies do is up to a test. */
export function streamingExecutor(
  run: (task: Task, signal: AbortSignal | undefined) => Outcome | Promise<Outcome>,
): Executor {
  const close = async () => {}
  return {
    name: 'test',
    execute: async (task, { signal } = {}) => run(task, signal),
    reload: async () => {},
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** A source whose build is of no importance. */
export const someCode: FunctionSource = {
  load: async () => ({ kind: 'module', load: async () => () => undefined }),
}

/** Everything that a stream brings, and the error that ends it. */
export async function readAll(
  body: AsyncIterable<Uint8Array>,
): Promise<{ bytes: Buffer; error: Error | undefined; chunks: string[] }> {
  const chunks: Buffer[] = []
  let error: Error | undefined
  try {
    for await (const chunk of body) chunks.push(Buffer.from(chunk))
  } catch (thrown) {
    error = thrown as Error
  }
  return { bytes: Buffer.concat(chunks), error, chunks: chunks.map(String) }
}

/** The code of a TetherError. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof TetherError ? error.code : undefined
}
