/**
 * Puts the layer's handler in the place of the function's own. `wrap`, in the same folder, has the runtime preload it, behind all
 * that NODE_OPTIONS preloads: instrumentation reads `_HANDLER` there to know which module to hook.
 */
import { isMainThread } from 'node:worker_threads'

const { env } = process
const { _HANDLER: original, LAMBDA_TETHER_HANDLER: wrapped } = env
// The wrapped handler removes the variable: a worker thread or a forked process, which inherits this preload, has none.
if (isMainThread && original !== undefined && wrapped !== undefined) {
  env._HANDLER = wrapped
  env.LAMBDA_TETHER_HANDLER = original
  // Not the function's own: it may start processes with its flags.
  const at = process.execArgv.findIndex((flag) => flag.endsWith('/wrap-preload.mjs'))
  if (at > 0) process.execArgv.splice(at - 1, 2)
}
