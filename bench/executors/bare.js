// The least that could take an executor's place: a worker for each environment that answers with its event, and nothing else.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'

/** A thread that receives and sends bytes. */
export const bareThreads = () =>
  bare(async () => {
    const thread = new Worker(new URL('./bare-thread.js', import.meta.url))
    return {
      async echo(event) {
        const answer = once(thread, 'message')
        const copy = new Uint8Array(event)
        thread.postMessage(copy, [copy.buffer])
        return (await answer)[0]
      },
      close: () => thread.terminate(),
    }
  })

/** A process with an HTTP server, and one connection to it that stays open. */
export const bareProcesses = () =>
  bare(async () => {
    const child = spawn(process.execPath, [fileURLToPath(new URL('./bare-process.js', import.meta.url))], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const port = Number((await once(child.stdout, 'data'))[0])
    const to = { agent, port, host: '127.0.0.1' }
    return {
      echo: (event) => post(to, event),
      async close() {
        agent.destroy()
        const exit = once(child, 'exit')
        child.stdin.end()
        await exit
      },
    }
  })

/** The part of an executor that the benchmark uses. */
function bare(start) {
  const workers = new Map()
  return {
    async execute({ environmentId, event }) {
      if (!workers.has(environmentId)) workers.set(environmentId, await start())
      return { kind: 'value', body: await workers.get(environmentId).echo(event) }
    },
    close: () => Promise.all([...workers.values()].map((worker) => worker.close())),
  }
}

function post(to, body) {
  return new Promise((resolve, reject) => {
    const call = request(
      { ...to, method: 'POST', headers: { 'Content-Length': body.byteLength } },
      (answer) => {
        const chunks = []
        answer.on('data', (chunk) => chunks.push(chunk))
        answer.on('end', () => resolve(Buffer.concat(chunks)))
      },
    )
    call.on('error', reject)
    call.end(body)
  })
}
