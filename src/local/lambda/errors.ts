import { errorAnswer, type RuntimeError } from '../../executors/runtime-api/answer.js'

/** Why an execution environment ended. */
export type EndReason =
  | { readonly kind: 'exit'; readonly code: number | null; readonly signal: string | null }
  /** The invocation, or the start, exceeded its time limit. */
  | { readonly kind: 'timeout' }
  /** Its owner ended it: it expired, or the host closed. */
  | { readonly kind: 'stopped' }
  /** The process could not be started at all. */
  | { readonly kind: 'spawn'; readonly error: Error }

/** Returns the error of an invocation after its environment ended without an answer, in Lambda's own words. */
export function endError(reason: EndReason, requestId: string, timeoutMs: number): RuntimeError {
  switch (reason.kind) {
    case 'timeout': {
      const seconds = (timeoutMs / 1000).toFixed(2)
      return sandboxError('Sandbox.Timedout', requestId, `Task timed out after ${seconds} seconds`)
    }
    case 'spawn':
      return sandboxError('Runtime.InvalidEntrypoint', requestId, reason.error.message)
    case 'stopped':
      return sandboxError('Runtime.ExitError', requestId, 'The local cloud ended the execution environment')
    case 'exit':
      return sandboxError('Runtime.ExitError', requestId, exitMessage(reason.code, reason.signal))
  }
}

function sandboxError(errorType: string, requestId: string, text: string): RuntimeError {
  return errorAnswer({ errorType, errorMessage: `RequestId: ${requestId} Error: ${text}`, trace: [] })
}

function exitMessage(code: number | null, signal: string | null): string {
  if (signal !== null) return `Runtime exited with error: signal: ${SIGNAL_NAMES[signal] ?? signal}`
  return code === 0
    ? 'Runtime exited without providing a reason'
    : `Runtime exited with error: exit status ${code}`
}

// As named by Go, the language of Lambda's own supervisor.
const SIGNAL_NAMES: Readonly<Record<string, string>> = {
  SIGABRT: 'aborted',
  SIGHUP: 'hangup',
  SIGINT: 'interrupt',
  SIGKILL: 'killed',
  SIGSEGV: 'segmentation fault',
  SIGTERM: 'terminated',
  SIGTRAP: 'trace/breakpoint trap',
}
