// Everything in this process, over `memory()`: a crashed session is one cut off from all frames.
import { setTimeout as sleep } from 'node:timers/promises'
import { openSession } from './session-side.js'
import { severable } from './severable.js'
import { runStubs, streams } from './stub-side.js'

/**
 * @param parts of the package: `{ createSession, createStub, memory, stubKey, TetherError }`; `around` wraps each stub
 */
export const inMemory = ({ createSession, createStub, memory, stubKey, TetherError, around }) => ({
  transports: ['memory'],
  kinds: ['crash', 'cut', 'cut-session'],

  async start({ seed, key, count, stubs, connections, timeOutMs, onProgress }) {
    const broker = memory()
    const far = severable(broker, TetherError)
    const sessions = []
    let live

    const open = async () => {
      const starts = []
      const near = severable(broker, TetherError)
      const onStart = (start) => starts.push({ ...start, at: Date.now() })
      const session = await openSession({
        createSession,
        seed,
        key,
        connections,
        onStart,
        transport: near.transport,
      })
      live = { near, session }
      sessions.push({ starts, residentMb: [] })
    }
    await open()
    const stage = { app: 'chaos', stage: 'bench' }
    const makeStub = (functionId, index) =>
      createStub({
        ...stage,
        key: stubKey({ ...stage, key, functionId }),
        functionId,
        transport: far.transport,
        streaming: streams(functionId),
        env: { ENVIRONMENT: String(index) },
      })
    const run = await runStubs({ seed, from: 0, to: count, stubs, timeOutMs, makeStub, around, onProgress })

    return {
      done: run.done.then((result) => [result]),
      async crash(forMs) {
        const { near, session } = live
        near.sever()
        void session.close({ signal: AbortSignal.abort() })
        const inFlight = run.inFlight()
        await sleep(forMs)
        await open()
        return inFlight
      },
      async inflict({ kind, pick }) {
        if (kind === 'cut') far.cut(() => pick() < 0.5)
        else live.near.cut()
      },
      end: () => live.session.close(),
      stop: () => live.session.close(),
      sessions: async () => sessions,
    }
  },
})
