import { workerData } from 'node:worker_threads'
import type { ThreadData } from '../thread/messages.js'
import { ThreadRuntime } from './thread-runtime.js'

/** What runs in a worker thread before any code of the user's. Built to `dist/run/worker-thread.mjs`. */
const data = { ...(workerData as ThreadData) }
// User code can read workerData; the port and the environment's first values are none of its business.
for (const name of Object.keys(workerData)) delete workerData[name]

new ThreadRuntime(data).start()
