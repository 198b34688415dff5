import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { deferred } from '../../src/core/base/deferred.js'
import { ThreadInspector } from '../../src/executors/debug/inspector.js'
import type { DebugLink } from '../../src/executors/debug/target.js'
import { ThreadDebugTarget } from '../../src/executors/debug/thread.js'

let inspector: ThreadInspector
let threads: Worker[]

beforeEach(() => {
  inspector = new ThreadInspector()
  threads = []
})

afterEach(async () => {
  await Promise.all(threads.map((thread) => thread.terminate()))
  await inspector.close()
})

async function start(code = 'setInterval(() => {}, 1_000)'): Promise<Worker> {
  const thread = new Worker(code, { eval: true })
  threads.push(thread)
  await once(thread, 'online')
  return thread
}

const NOBODY = { onMessage() {}, onClose() {} }

/** Attaches, and waits until that thread's code stands at a `debugger` statement. */
async function pausedIn({ threadId }: Worker, listener = NOBODY): Promise<DebugLink> {
  const paused = deferred()
  const link = await inspector.connect(threadId, {
    ...listener,
    onMessage: (message) => {
      if (message.includes('"Debugger.paused"')) paused.resolve()
    },
  })
  link.send('{"id":1,"method":"Debugger.enable"}')
  await paused.promise
  return link
}

// What crashed Node 20, 22 and 24 within a few rounds, done within the thread that started the others.
test('threads that end while another is looked for do not take the process with them', async () => {
  for (let round = 0; round < 4; round++) {
    const kept = await start()
    const others = await Promise.all(Array.from({ length: 4 }, () => start()))
    let left = others.length
    for (const other of others) void other.terminate().then(() => left--)
    while (left > 0) {
      const links = await Promise.all(
        Array.from({ length: 10 }, () => inspector.connect(kept.threadId, NOBODY)),
      )
      for (const link of links) link.close()
      await new Promise(setImmediate)
    }
    await kept.terminate()
  }
  // Twenty threads, on a machine that may have other work.
}, 60_000)

test('an ended thread closes its connection, and refuses another', async () => {
  const thread = await start()
  const { threadId } = thread
  const closed = deferred()
  await inspector.connect(threadId, { onMessage() {}, onClose: closed.resolve })
  await thread.terminate()
  await closed.promise
  await expect(inspector.connect(threadId, NOBODY)).rejects.toThrow(`Thread ${threadId} has ended.`)
})

/** Stops again and again, and says so when it ran on. */
const STOPPING = `const { parentPort } = require('node:worker_threads')
  setInterval(() => { debugger; parentPort.postMessage('ran on') }, 1)`

test('a thread paused at a breakpoint terminates without running on', async () => {
  const thread = await start(STOPPING)
  const target = new ThreadDebugTarget(thread.threadId, 'paused', inspector)
  // Whom somebody has reached by way of the target may be paused.
  await target.connect(NOBODY)
  await pausedIn(thread)
  const said: string[] = []
  thread.on('message', (text) => said.push(text))
  await target.end(() => thread.terminate())
  expect(said).toEqual([])
})

test('a link that closes leaves another its pause; the last one lets the code run on', async () => {
  const thread = await start(STOPPING)
  const other = await inspector.connect(thread.threadId, NOBODY)
  const link = await pausedIn(thread)
  const said: string[] = []
  thread.on('message', (text) => said.push(text))
  other.close()
  await inspector.connect(thread.threadId, NOBODY)
  expect(said).toEqual([])
  link.close()
  await once(thread, 'message')
})

test('closing it ends every link', async () => {
  const { threadId } = await start()
  const closed = deferred()
  await inspector.connect(threadId, { onMessage() {}, onClose: closed.resolve })
  await inspector.close()
  await closed.promise
})
