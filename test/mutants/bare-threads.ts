import { Worker } from 'node:worker_threads'
import type { Executor, Outcome } from '../../src/core/contracts/executor.js'

const RUNTIME = `
  const { parentPort } = require('node:worker_threads')
  parentPort.on('message', async ({ url, exportName, event }) => {
    const body = await (await import(url))[exportName](event)
    parentPort.postMessage(JSON.stringify(body))
  })`

/** The least that runs handlers in threads: one for each environment, kept whatever becomes of it. */
export function bareThreads(): Executor {
  const workers = new Map<string, Worker>()
  const close = async () => {
    await Promise.all([...workers.values()].map((worker) => worker.terminate()))
  }
  return {
    name: 'bare threads',
    execute({ environmentId, build, event }) {
      if (build.kind !== 'file') throw new TypeError('no file')
      const worker = workers.get(environmentId) ?? new Worker(RUNTIME, { eval: true })
      workers.set(environmentId, worker)
      const { path, exportName } = build
      worker.postMessage({ url: path, exportName, event: JSON.parse(Buffer.from(event).toString()) })
      return new Promise<Outcome>((resolve) => {
        worker.once('message', (body: string) => resolve({ kind: 'value', body: Buffer.from(body) }))
      })
    },
    async reload() {},
    close,
    [Symbol.asyncDispose]: close,
  }
}
