/**
 * Replaces the function's handler with the layer's. `wrap`, in the same folder, makes the runtime preload this file
 * after all modules that NODE_OPTIONS preloads: instrumentation reads `_HANDLER` there to know which module to hook.
 */
import { isMainThread } from 'node:worker_threads'

const { env } = process
const { _HANDLER: original, LAMBDA_TETHER_HANDLER: wrapped } = env
// The wrapped handler deletes the variable, so worker threads and forked processes, which inherit this preload, lack
// it.
if (isMainThread && original !== undefined && wrapped !== undefined) {
  env._HANDLER = wrapped
  env.LAMBDA_TETHER_HANDLER = original
  // This flag is not the function's own, which may start processes with its flags.
  const at = process.execArgv.findIndex((flag) => flag.endsWith('/wrap-preload.mjs'))
  if (at > 0) process.execArgv.splice(at - 1, 2)
}
