import { workerData } from 'node:worker_threads'
import type { ThreadData } from '../thread/messages.js'
import { ThreadRuntime } from './thread-runtime.js'

/** The start of a worker thread, before any user code. Built to `dist/run/worker-thread.mjs`. */
const data = { ...(workerData as ThreadData) }
// Hide the port and the initial environment: user code can read workerData.
for (const name of Object.keys(workerData)) delete workerData[name]

new ThreadRuntime(data).start()
