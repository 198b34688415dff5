import { get, type IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { deferred } from '../../src/core/base/deferred.js'
import { inspect } from '../../src/inspector/index.js'
import { type RecordData, record } from '../../src/recorder/index.js'
import { ManualClock } from '../support/manual-clock.js'
import { someCode, streamingExecutor } from '../support/streams.js'
import { Tether } from '../support/tether.js'
import { Inspected, printing } from './inspected.js'

interface Told {
  readonly id: string
  readonly event: string
  // biome-ignore lint/suspicious/noExplicitAny: each test knows what it waits for
  readonly data: any
}

interface Line {
  readonly text: string
}

/** Reads an event stream. */
function listen(inspected: Inspected, lastId?: string) {
  const told: Told[] = []
  const waiting = new Set<() => void>()
  const headers = {
    authorization: `Bearer ${inspected.token}`,
    ...(lastId !== undefined && { 'last-event-id': lastId }),
  }
  const request = get({
    host: '127.0.0.1',
    port: inspected.inspector.port,
    path: '/api/stream',
    headers,
    agent: false,
  })
  let text = ''
  const ended = new Promise<void>((resolve) => {
    request.on('error', () => resolve())
    request.on('response', (response) => {
      response.on('close', resolve)
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
        const blocks = text.split('\n\n')
        text = blocks.pop()!
        for (const block of blocks) {
          const [, id, event, data] = /^id: (.*)\nevent: (.*)\ndata: (.*)$/.exec(block) ?? []
          if (data !== undefined) told.push({ id: id!, event: event!, data: JSON.parse(data) })
        }
        for (const wake of waiting) wake()
      })
    })
  })
  const until = (fits: (each: Told) => boolean): Promise<Told> =>
    new Promise((resolve) => {
      const look = () => {
        const found = told.find(fits)
        if (found === undefined) return
        waiting.delete(look)
        resolve(found)
      }
      waiting.add(look)
      look()
    })
  const { promise: answered, resolve: answer } = deferred<IncomingMessage>()
  request.on('response', answer)
  return {
    told,
    until,
    ended,
    close: () => void request.destroy(),
    pause: async () => (await answered).pause(),
    resume: async () => (await answered).resume(),
  }
}

describe('the stream of the inspector', () => {
  it('begins with the status, and reports invocations and their outcomes', async () => {
    await using inspected = await Inspected.start()
    const stream = listen(inspected)
    expect((await stream.until(({ event }) => event === 'status')).data.connection).toEqual({
      state: 'connected',
    })
    await inspected.invoke({ order: 7 })
    const { data } = await stream.until(({ event, data }) => event === 'invocation' && data.state === 'value')
    expect(data).toMatchObject({ functionId: 'api', trigger: 'direct', title: 'direct' })
    stream.close()
  })

  it('resumes where a client left, and says if that is too long ago', async () => {
    await using inspected = await Inspected.start()
    const stream = listen(inspected)
    const { id } = await stream.until(({ event }) => event === 'status')
    stream.close()
    await stream.ended
    await inspected.invoke({ order: 7 })
    const again = listen(inspected, id)
    await again.until(({ event }) => event === 'status')
    expect(again.told.filter(({ event }) => event === 'invocation')).toMatchObject([
      { data: { state: 'value' } },
    ])
    again.close()
    for (const stale of ['other-1', `${id.split('-')[0]}-99999`, 'x']) {
      const late = listen(inspected, stale)
      await late.until(({ event }) => event === 'status')
      expect(late.told.map(({ event }) => event)).toEqual(['reset', 'status'])
      late.close()
    }
  })

  it('batches many changes, each once', async () => {
    await using inspected = await Inspected.start()
    const stream = listen(inspected)
    await stream.until(({ event }) => event === 'status')
    await Promise.all(Array.from({ length: 100 }, (_, order) => inspected.invoke({ order })))
    await inspected.invoke({ last: true })
    const { invocations } = (await inspected.api('/api/invocations?limit=1')).json
    await stream.until(
      ({ event, data }) => event === 'invocation' && data.id === invocations[0].id && data.state === 'value',
    )
    const ended = stream.told.filter(({ event, data }) => event === 'invocation' && data.state === 'value')
    expect(new Set(ended.map(({ data }) => data.id)).size).toBe(101)
    const numbers = stream.told.map(({ id }) => Number(id.split('-')[1]))
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
    stream.close()
  })

  it('reports a streaming response at most 20 times a second, for any number of chunks', async () => {
    const rest = deferred()
    async function* body() {
      for (let n = 0; n < 500; n++) yield Buffer.from('x')
      await rest.promise
    }
    const executor = streamingExecutor(() => ({ kind: 'stream', contentType: undefined, body: body() }))
    const clock = new ManualClock()
    await using inspected = await Inspected.start({ clock }, (session) =>
      session.serve({ executor, functions: { api: someCode } }),
    )
    const stream = listen(inspected)
    await stream.until(({ event }) => event === 'status')
    const all = deferred()
    inspected.session.on('chunk', (_, { index }) => index === 499 && all.resolve())
    const answered = inspected.invoke({})
    await all.promise
    await clock.advance(50)
    const { data } = await stream.until(({ event }) => event === 'invocation')
    expect(data).toMatchObject({ state: 'running', streamedBytes: 500 })
    expect(stream.told.filter(({ event }) => event === 'invocation')).toHaveLength(1)
    rest.resolve()
    await answered.catch(() => {})
    stream.close()
  })

  it('reports lines of output without their secrets, reloads and discards', async () => {
    await using inspected = await Inspected.start({}, (session) => {
      const executor = printing(async (print) => {
        print('token=secret-of-the-caller')
        print('order 7')
      })
      session.serve({ functions: { api: { target: async () => {}, executor } } })
    })
    const stream = listen(inspected)
    await stream.until(({ event }) => event === 'status')
    await inspected.invoke({})
    const { data } = await stream.until(({ event }) => event === 'log')
    expect(data).toMatchObject({
      functionId: 'api',
      lines: [
        { stream: 'stdout', text: expect.stringMatching(/^token=\[redacted:/) },
        { stream: 'stdout', text: 'order 7', level: 'info' },
      ],
    })
    await inspected.session.reload('api')
    expect((await stream.until(({ event }) => event === 'reload')).data).toMatchObject({ functionId: 'api' })
    stream.close()
  })

  it('sends each line once, also to a resuming client, and drops a line that is too long', async () => {
    const prints = deferred<(text: string) => void>()
    const done = deferred<void>()
    await using inspected = await Inspected.start({}, (session) => {
      const executor = printing(async (print) => {
        prints.resolve(print)
        await done.promise
      })
      session.serve({ functions: { api: { target: async () => {}, executor } } })
    })
    const linesOf = ({ told }: ReturnType<typeof listen>) =>
      told.flatMap(({ event, data }) => (event === 'log' ? data.lines.map((line: Line) => line.text) : []))
    const live = listen(inspected)
    const { id } = await live.until(({ event }) => event === 'status')
    const invoking = inspected.invoke({})
    const print = await prints.promise
    for (const text of ['one', 'x'.repeat(1_100_000), 'two', 'three']) {
      print(text)
      if (text.length < 10) await live.until(({ event }) => event === 'log' && linesOf(live).includes(text))
    }
    const resumed = listen(inspected, id)
    await resumed.until(({ event }) => event === 'status')
    expect(linesOf(live)).toEqual(['one', 'two', 'three'])
    expect(linesOf(resumed)).toEqual(['one', 'two', 'three'])
    done.resolve()
    await invoking
    live.close()
    resumed.close()
  })

  it('sends lines as the hook of its recorder leaves them', async () => {
    const hook = (data: RecordData) => ({ ...data, logs: data.logs.filter(({ text }) => text !== 'private') })
    await using inspected = await Inspected.start(
      (session) => ({ history: record(session, { redact: { hook } }) }),
      (session) => {
        const executor = printing(async (print) => ['private', 'public'].forEach(print))
        session.serve({ functions: { api: { target: async () => {}, executor } } })
      },
    )
    const stream = listen(inspected)
    await stream.until(({ event }) => event === 'status')
    await inspected.invoke({})
    const { data } = await stream.until(({ event }) => event === 'log')
    expect(data.lines).toMatchObject([{ text: 'public' }])
    stream.close()
  })

  it('disconnects a client that reads nothing, instead of buffering for it', async () => {
    const text = 'word '.repeat(180_000)
    await using inspected = await Inspected.start({}, (session) => {
      const executor = printing(async (print) => print(text))
      session.serve({ functions: { api: { target: async () => {}, executor } } })
    })
    const stream = listen(inspected)
    await stream.until(({ event }) => event === 'status')
    await stream.pause()
    // More than the system and the server keep: 27 MB.
    for (let order = 0; order < 30; order++) await inspected.invoke({ order })
    await stream.resume()
    await stream.ended
    expect((await inspected.api('/api/status')).json.stats.invocations.answered).toBe(30)
  })

  it('ends with the session, and leaves no connection', async () => {
    await using inspected = await Inspected.start()
    const stream = listen(inspected)
    await stream.until(({ event }) => event === 'status')
    await inspected.session.close()
    await stream.ended
    await inspected.inspector.close()
    await expect(inspected.api('/api/status')).rejects.toThrow('ECONNREFUSED')
  })

  it('does not outlive a session that closes while it begins', async () => {
    await using tether = new Tether()
    const session = tether.session()
    const beginning = inspect(session)
    await session.close()
    await expect(fetch((await beginning).url)).rejects.toThrow('fetch failed')
  })
})
