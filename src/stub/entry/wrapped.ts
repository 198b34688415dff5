/**
 * The handler of a function that the layer wraps. Run, not imported: `wrap`, in the same folder, makes the runtime load
 * it.
 */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { printable } from '../../core/base/printable.js'
import { loadTaskHandler } from '../../executors/entry/load-task-handler.js'
import { StubThread } from '../wrap/stub-thread.js'
import { wrapHandler } from '../wrap/wrap.js'

const { env } = process
const original = env.LAMBDA_TETHER_HANDLER ?? ''
// Restored: code and instrumentation read it.
env._HANDLER = original
delete env.LAMBDA_TETHER_HANDLER

const warn = (text: string) => console.warn(`lambda-tether: ${printable(text)}`)

export const handler = await wrapHandler({
  env,
  warn,
  load: () => loadTaskHandler(env.LAMBDA_TASK_ROOT ?? process.cwd(), original),
  start: () =>
    new StubThread({
      file: join(dirname(fileURLToPath(import.meta.url)), 'stub.cjs'),
      env,
      onFailure: (error) => warn(`The stub has failed, and the function's own code runs: ${String(error)}`),
    }),
})
