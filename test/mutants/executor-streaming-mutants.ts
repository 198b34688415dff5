import { toLambdaError } from '../../src/core/base/errors.js'
import type { Executor, Outcome } from '../../src/core/contracts/executor.js'
import { ByteStream } from '../../src/core/streams/byte-stream.js'
import { type ExecutorMutant, mutated } from './executor-mutation.js'

const LIVE = 'a stream is there when it begins, and each of its parts while the code runs'
const ORDER = 'the bytes of a stream are those that were written, in their order'
const PRELUDE = 'a stream with an HTTP prelude begins with it, and one without a write is empty'
const EARLY = 'an error before the first byte is thrown by the stream'
const LATE = 'an error after the first byte is thrown by the stream, after what was written'
const HELD = 'code that streams is held up while nobody reads'
const TIME = "when the time is up a stream ends with Lambda's own error, after what was written"
const ABORT = 'an abort ends a stream with ABORTED, and stops its code'
const LEAVES = 'a reader that leaves stops the code, and its environment streams again'
const EXITS = 'a stream whose code exits ends with its exit code'
const NEXT = 'an environment runs its next invocation when its stream is over'
const CLOSE = 'close() waits for what streams'

const HOUR_MS = 3_600_000

type Body = AsyncIterable<Uint8Array>

/** Executors that lose, keep or invent something of what code streams, or its end. */
export const streamingMutants: readonly ExecutorMutant[] = [
  {
    name: 'gives a stream when all of it is there',
    caughtBy: [LIVE],
    because: /had no outcome within/,
    make: () => mutated({ outcome: async (outcome) => withBody(outcome, await all(outcome)) }),
  },
  {
    name: 'forgets the content type of a stream',
    caughtBy: [LIVE, PRELUDE],
    because: /event-stream|http-integration/,
    make: () =>
      mutated({
        outcome: (outcome) => (outcome.kind === 'stream' ? { ...outcome, contentType: undefined } : outcome),
      }),
  },
  {
    name: 'turns the parts of a stream round',
    caughtBy: [ORDER],
    because: /is not the one that was written/,
    make: () => restreamed(turnedRound),
  },
  {
    name: 'loses the last part of a stream',
    caughtBy: [ORDER],
    because: /another length/,
    make: () => restreamed(withoutLast),
  },
  {
    name: 'takes the prelude for its own use',
    caughtBy: [PRELUDE],
    because: /statusCode/,
    make: () => restreamed(withoutPrelude),
  },
  {
    name: 'ends a stream at an error',
    caughtBy: [EARLY, LATE, TIME, EXITS],
    because: /without an error/,
    make: () => restreamed((body) => endingAt(body, () => true)),
  },
  {
    name: 'throws the error of a stream before what was written',
    caughtBy: [LATE],
    because: /on purpose|late/,
    make: () => mutated({ outcome: throwingFirst }),
  },
  {
    name: 'reads ahead whatever the code writes',
    caughtBy: [HELD],
    because: /has written 8 MiB/,
    make: () => restreamed(readAhead),
  },
  {
    name: 'has no deadline for what streams',
    caughtBy: [TIME],
    because: /did not end within/,
    make: () => mutated({ task: (task) => ({ ...task, deadline: task.deadline + HOUR_MS }) }),
  },
  {
    name: 'looks at no signal once the code streams',
    caughtBy: [ABORT],
    because: /did not end within/,
    make: () => mutated({ parts: deafOnceItStreams }),
  },
  {
    name: 'reads on when its reader has left',
    caughtBy: [LEAVES],
    because: /was not stopped within/,
    make: () => restreamed((body) => ({ [Symbol.asyncIterator]: () => withoutReturn(body) })),
  },
  {
    name: 'ends a stream whose code exits',
    caughtBy: [EXITS],
    because: /without an error/,
    make: () =>
      restreamed((body) => endingAt(body, (error) => toLambdaError(error).errorType === 'Runtime.ExitError')),
  },
  {
    name: 'runs what comes beside a stream',
    caughtBy: [NEXT],
    because: /ran beside a stream/,
    make() {
      let count = 0
      return mutated({ task: (task) => ({ ...task, environmentId: `${task.environmentId}-${count++}` }) })
    },
  },
  {
    name: 'stops what streams at close()',
    caughtBy: [CLOSE],
    because: /aborted by its signal/,
    make: () => mutated({ parts: stoppingAtClose }),
  },
]

function restreamed(change: (body: Body) => Body) {
  return mutated({
    outcome: (outcome) => (outcome.kind === 'stream' ? withBody(outcome, change(outcome.body)) : outcome),
  })
}

function withBody(outcome: Outcome, body: Body): Outcome {
  return outcome.kind === 'stream' ? { ...outcome, body } : outcome
}

async function all(outcome: Outcome): Promise<Body> {
  return only(outcome.kind === 'stream' ? await chunksOf(outcome.body) : [])
}

async function chunksOf(body: Body): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return chunks
}

async function* only(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}

async function* turnedRound(body: Body): AsyncGenerator<Uint8Array> {
  let last: Uint8Array | undefined
  for await (const chunk of body) {
    if (last === undefined) last = chunk
    else {
      yield chunk
      yield last
      last = undefined
    }
  }
  if (last !== undefined) yield last
}

async function* withoutLast(body: Body): AsyncGenerator<Uint8Array> {
  let last: Uint8Array | undefined
  for await (const chunk of body) {
    if (last !== undefined) yield last
    last = chunk
  }
}

async function* withoutPrelude(body: Body): AsyncGenerator<Uint8Array> {
  const whole = Buffer.concat(await chunksOf(body))
  const nuls = whole.indexOf(Buffer.alloc(8))
  yield nuls === -1 ? whole : whole.subarray(nuls + 8)
}

async function* endingAt(body: Body, isEnd: (error: unknown) => boolean): AsyncGenerator<Uint8Array> {
  try {
    yield* body
  } catch (error) {
    if (!isEnd(error)) throw error
  }
}

/** Where the code fails at once, as that of the tests does. */
async function throwingFirst(outcome: Outcome): Promise<Outcome> {
  const body = await all(outcome).catch((error) => failing(error))
  return withBody(outcome, body)
}

// biome-ignore lint/correctness/useYield: it fails before
async function* failing(error: unknown): AsyncGenerator<Uint8Array> {
  throw error
}

/** Keeps all that comes, however slowly it is read. */
function readAhead(body: Body): Body {
  const kept = new ByteStream(Number.POSITIVE_INFINITY)
  void (async () => {
    for await (const chunk of body) kept.push(chunk)
    kept.end()
  })().catch((error: Error) => kept.fail(error))
  return kept
}

function withoutReturn(body: Body): AsyncIterator<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]()
  return { next: () => chunks.next(), return: async () => ({ done: true, value: undefined }) }
}

function deafOnceItStreams(inner: Executor): Partial<Executor> {
  const end = new AbortController()
  return {
    async execute(task, { signal } = {}) {
      const starts = new AbortController()
      const forward = () => starts.abort(signal?.reason)
      signal?.addEventListener('abort', forward)
      try {
        return await inner.execute(task, { signal: AbortSignal.any([starts.signal, end.signal]) })
      } finally {
        signal?.removeEventListener('abort', forward)
      }
    },
    close() {
      end.abort()
      return inner.close()
    },
  }
}

function stoppingAtClose(inner: Executor): Partial<Executor> {
  const stop = new AbortController()
  return {
    execute: (task) => inner.execute(task, { signal: stop.signal }),
    close() {
      const closed = inner.close()
      stop.abort()
      return closed
    },
  }
}
