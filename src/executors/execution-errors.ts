import { type LambdaError, toLambdaError } from '../core/base/errors.js'
import type { Answer, Task } from '../core/contracts/executor.js'
import { outOfFiles } from '../out-of-files.js'

type ErrorAnswer = Extract<Answer, { kind: 'error' }>

/** Lambda's own outcome for a function that is out of time. `timeLimitMs` is the time that the task had. */
export function timedOut(task: Task, timeLimitMs: number): ErrorAnswer {
  const seconds = (timeLimitMs / 1000).toFixed(2)
  return failure(task, 'Sandbox.Timedout', `Task timed out after ${seconds} seconds`)
}

/**
 * The outcome of code that ended its own process or thread before it answered.
 * @param how the exit code, or the signal that ended it
 * @param output the end of its output, if that may explain the reason
 */
export function exited(task: Task, how: number | string, output = ''): ErrorAnswer {
  const end = typeof how === 'number' ? `exited with code ${how}` : `was ended by ${how}`
  const message = `Runtime exited: local code ${end} before it answered`
  return failure(task, 'Runtime.ExitError', output === '' ? message : `${message}:\n${output}`)
}

/** The outcome of a runtime process that failed to start. */
export function notStarted(task: Task, command: string, error: Error): ErrorAnswer {
  const files = outOfFiles(error, 'EXECUTION_FAILED')
  if (files) return { kind: 'error', error: toLambdaError(files) }
  return failure(task, 'Runtime.InvalidEntrypoint', `'${command}' could not be started: ${error.message}`)
}

/** The outcome of code that broke off its streamed response. */
export function truncated(task: Task): ErrorAnswer {
  return failure(
    task,
    'Runtime.TruncatedResponse',
    'The runtime ended its connection before its response had ended',
  )
}

/** The outcome of code that exceeded its worker's memory. `reason` is the worker's own message. */
export function outOfMemory(task: Task, reason: string): ErrorAnswer {
  return failure(task, 'Runtime.OutOfMemory', `Runtime exited: local code ran out of memory (${reason})`)
}

/** The error of code that ended its worker while loading. @param how the exit code, or the signal that ended it */
export function exitedAtLoad(how: number | string, output = ''): LambdaError {
  const end = typeof how === 'number' ? `exited with code ${how}` : `was ended by ${how}`
  const message = `Local code ${end} while it was loaded`
  return {
    errorType: 'Runtime.ExitError',
    errorMessage: output === '' ? message : `${message}:\n${output}`,
    trace: [],
  }
}

function failure(task: Task, errorType: string, message: string): ErrorAnswer {
  // The Lambda service's wording for failures that it reports in place of a runtime. They have no stack.
  const errorMessage = `RequestId: ${task.context.awsRequestId} Error: ${message}`
  const error: LambdaError = { errorType, errorMessage, trace: [] }
  return { kind: 'error', error }
}
