import assert from 'node:assert/strict'
import { type LambdaError, TetherError, toLambdaError } from '../../core/base/errors.js'
import type { StreamedResponse } from '../../core/contracts/executor.js'
import { streamIn } from './outcome.js'
import type { Line } from './switchboard.js'
import type { ExecutorTest, ExecutorTrial, Given } from './trial.js'

const HTTP = 'application/vnd.awslambda.http-integration-response'
const MIB = 1024 * 1024
/** Time in which a warm worker writes its first bytes, also on a busy machine. */
const LIMIT_MS = 4_000

export const streamingTests: readonly ExecutorTest[] = [
  {
    name: 'a stream is returned when it begins, and its chunks arrive while the code runs',
    needs: ['streaming'],
    async run(trial) {
      const { line, reader } = await begin(trial, { contentType: 'text/event-stream', texts: ['one', 'two'] })
      assert.equal(reader.contentType, 'text/event-stream')
      assert.equal(await reader.text('onetwo'.length), 'onetwo')
      assert(line.open, 'The code did not wait.')
      line.tell('answer')
      assert.equal(await reader.rest(), '')
    },
  },
  {
    name: 'a stream has the written bytes in their order',
    needs: ['streaming'],
    async run(trial) {
      const reader = await stream(trial, { bytes: 2 * MIB })
      let at = 0
      for await (const chunk of reader.chunks()) {
        const wrong = chunk.findIndex((byte, place) => byte !== (at + place) % 251)
        assert(wrong === -1, `Byte ${at + wrong} is not the one that was written.`)
        at += chunk.length
      }
      assert.equal(at, 2 * MIB, 'The stream has another length.')
    },
  },
  {
    name: 'a stream begins with its HTTP prelude, and is empty without a write',
    needs: ['streaming'],
    async run(trial) {
      const prelude = { statusCode: 201, headers: { 'x-a': 'b' } }
      const reader = await stream(trial, { prelude, texts: ['body'] })
      assert.equal(reader.contentType, HTTP)
      assert.equal(await reader.rest(), `${JSON.stringify(prelude)}${'\0'.repeat(8)}body`)
      const empty = await stream(trial, { prelude })
      assert.equal(empty.contentType, HTTP)
      assert.equal(await empty.rest(), '')
    },
  },
  {
    name: 'an error before the first byte is thrown by the stream',
    needs: ['streaming'],
    async run(trial) {
      const reader = await stream(trial, { message: 'early' })
      fails(await reader.failure(), 'early')
    },
  },
  {
    name: 'an error after the first byte is thrown by the stream, after the written bytes',
    needs: ['streaming'],
    async run(trial) {
      const reader = await stream(trial, { texts: ['some'], message: 'late' })
      assert.equal(await reader.text('some'.length), 'some')
      fails(await reader.failure(), 'late')
      const next = await stream(trial, { texts: ['again'] })
      assert.equal(await next.rest(), 'again')
    },
  },
  {
    name: 'code that streams waits while its stream is not read',
    needs: ['streaming'],
    async run(trial) {
      // More than the sockets on the way can buffer at once.
      const bytes = 8 * MIB
      const reader = await stream(trial, { bytes, port: trial.switchboard.port })
      // It has time to write everything, on a machine of any speed.
      for (const environmentId of ['two', 'three'])
        await (await stream(trial, { bytes }, { environmentId })).rest()
      // The function connects when everything is written.
      const { connections } = trial.switchboard
      assert.equal(connections, 0, 'The code has written 8 MiB, of which nothing was read.')
      let read = 0
      for await (const chunk of reader.chunks()) {
        read += chunk.length
        if (read >= bytes) (await trial.switchboard.next()).tell('answer')
      }
      assert.equal(read, bytes)
    },
  },
  {
    name: "a stream ends at the deadline with Lambda's own error, after the written bytes",
    needs: ['streaming'],
    async run(trial) {
      await (await stream(trial, {})).rest()
      const { reader } = await begin(trial, { texts: ['some'] }, { timeLimitMs: LIMIT_MS })
      assert.equal(await reader.text('some'.length), 'some')
      assert.equal((await reader.failure()).errorType, 'Sandbox.Timedout')
    },
  },
  {
    name: 'an abort ends a stream with ABORTED, and stops its code',
    needs: ['streaming', 'stop'],
    async run(trial) {
      const abort = new AbortController()
      const { line, reader } = await begin(trial, { texts: ['some'] }, { signal: abort.signal })
      assert.equal(await reader.text('some'.length), 'some')
      abort.abort(new Error('enough'))
      const thrown = await reader.thrown()
      assert(thrown instanceof TetherError, `The stream threw no TetherError but ${String(thrown)}`)
      assert.equal(thrown.code, 'ABORTED')
      await line.ends('The code was not stopped')
    },
  },
  {
    name: 'leaving a stream stops its code, and its environment streams again',
    needs: ['streaming', 'stop'],
    async run(trial) {
      const { line, reader } = await begin(trial, { texts: ['some'] })
      assert.equal(await reader.text('some'.length), 'some')
      await reader.leave()
      await line.ends('The code was not stopped')
      assert.equal(await (await stream(trial, { texts: ['again'] })).rest(), 'again')
    },
  },
  {
    name: 'a stream ends with the exit code of its code',
    needs: ['streaming', 'exit'],
    async run(trial) {
      const { line, reader } = await begin(trial, { texts: ['some'] })
      line.tell('exit')
      assert.equal(await reader.text('some'.length), 'some')
      const { errorType, errorMessage } = await reader.failure()
      assert.equal(errorType, 'Runtime.ExitError')
      assert.match(errorMessage, /37/)
    },
  },
  {
    name: 'an environment runs its next invocation after its stream has ended',
    needs: ['streaming', 'workers'],
    async run(trial) {
      const { line, reader } = await begin(trial, { texts: ['first'] })
      const second = stream(trial, { texts: ['second'], port: trial.switchboard.port })
      second.catch(() => {})
      // It has time for two starts, on a machine of any speed.
      for (const environmentId of ['two', 'three']) await trial.value('echo', {}, { environmentId })
      assert.equal(trial.switchboard.connections, 1, 'The next invocation ran beside a stream.')
      line.tell('answer')
      assert.equal(await reader.rest(), 'first')
      const next = await second
      ;(await trial.switchboard.next()).tell('answer')
      assert.equal(await next.rest(), 'second')
    },
  },
  {
    name: 'close() waits for streams',
    needs: ['streaming'],
    async run(trial) {
      const { line, reader } = await begin(trial, { texts: ['some'] })
      const closed = trial.executor.close()
      line.tell('answer')
      assert.equal(await reader.rest(), 'some')
      await trial.within('close() did not resolve', closed)
    },
  },
]

/** The event of the function that streams. */
interface StreamEvent {
  readonly contentType?: string
  readonly prelude?: object
  readonly texts?: readonly string[]
  readonly bytes?: number
  readonly port?: number
  readonly message?: string
}

async function stream(trial: ExecutorTrial, event: StreamEvent, given: Given = {}): Promise<Reader> {
  return new Reader(trial, streamIn(await trial.invoke('stream', event, given)))
}

/** Begins a stream. After writing, its code waits for commands. */
async function begin(
  trial: ExecutorTrial,
  event: StreamEvent,
  given: Given = {},
): Promise<{ line: Line; reader: Reader }> {
  const reader = await stream(trial, { ...event, port: trial.switchboard.port }, given)
  return { reader, line: await trial.switchboard.next() }
}

function fails({ errorType, errorMessage, trace }: LambdaError, message: string): void {
  assert.deepEqual([errorType, errorMessage], ['ConformanceError', message])
  assert(trace.length > 0, 'The error has no trace.')
}

/** Reads a stream, waiting no longer than the suite waits. */
class Reader {
  readonly contentType: string | undefined
  readonly #trial: ExecutorTrial
  readonly #chunks: AsyncIterator<Uint8Array>

  constructor(trial: ExecutorTrial, { contentType, body }: StreamedResponse) {
    this.contentType = contentType
    this.#trial = trial
    this.#chunks = body[Symbol.asyncIterator]()
  }

  #next(): Promise<IteratorResult<Uint8Array>> {
    return this.#trial.within('The stream did not go on', this.#chunks.next())
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    for (let next = await this.#next(); !next.done; next = await this.#next()) yield next.value
  }

  /** Reads at least so many bytes and returns them. */
  async text(bytes: number): Promise<string> {
    let text = ''
    while (text.length < bytes) {
      const { done, value } = await this.#next()
      assert(!done, `The stream has ended after '${text}'.`)
      text += Buffer.from(value).toString()
    }
    return text
  }

  async rest(): Promise<string> {
    const chunks: Uint8Array[] = []
    for await (const chunk of this.chunks()) chunks.push(chunk)
    return Buffer.concat(chunks).toString()
  }

  /** Returns the next error of the stream. */
  async thrown(): Promise<unknown> {
    const ended = this.#chunks.next().then(
      () => undefined,
      (error: unknown) => ({ error }),
    )
    const failed = await this.#trial.within('The stream did not end', ended)
    assert(failed !== undefined, 'The stream has ended, or gone on, without an error.')
    return failed.error
  }

  async failure(): Promise<LambdaError> {
    return toLambdaError(await this.thrown())
  }

  async leave(): Promise<void> {
    await this.#trial.within('return() did not resolve', Promise.resolve(this.#chunks.return?.()))
  }
}
