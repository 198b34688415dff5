/**
 * Creates an error of the runtime itself. Its name, which becomes `errorType`, starts with `Runtime.`, and its stack is
 * the stack of the original error.
 */
export function runtimeError(type: string, message: string, from?: Error): Error {
  const error = new Error(message)
  error.name = `Runtime.${type}`
  error.stack = `${error.name}: ${message}${from?.stack === undefined ? '' : `\n${from.stack}`}`
  return error
}
