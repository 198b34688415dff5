import type { InvocationContext } from '../../core/contracts/handler.js'
import type { HandlerCode } from '../entry/load-handler.js'
import type { EnvironmentChanges } from '../environment-changes.js'
import type { PythonModule } from './python-project.js'

/**
 * What the bootstraps of this package are told beside what the Runtime API tells every runtime. This variable says where
 * they find it, and the Runtime API: a host, a port and a path that nobody else knows, because what is there is the
 * function's environment, its credentials included. It is gone before anything of the user's is loaded.
 */
export const BOOTSTRAP_VARIABLE = 'LAMBDA_TETHER_BOOTSTRAP'

/** Answers {@link BootstrapStart}. */
export const START_PATH = '/lambda-tether/start'

export interface BootstrapStart {
  /** The whole environment of user code. What a debugger, a shim or the system has added to the process's is removed. */
  readonly env: Readonly<Record<string, string>>
  /** A module to load at once, before it is known which code follows. */
  readonly dependencies?: string
  /** Whether a Node process is to open its inspector, at a port that is free. */
  readonly inspect?: true
}

/** Answers {@link BootstrapCode}, when there is code to load. */
export const CODE_PATH = '/lambda-tether/code'

export interface BootstrapCode extends HandlerCode {
  /** How Python imports it. */
  readonly python?: PythonModule
}

/** Takes `LoadedFiles`: Python's bootstrap tells what it has loaded. */
export const LOADED_PATH = '/lambda-tether/loaded'

/**
 * The file descriptor, a pipe, to which a bootstrap writes a byte for each invocation before it calls the handler: that tells
 * what ended the process, the invocation or something before it. A byte that was written outlives whatever ends a process.
 */
export const BEGUN_FD = 3

/** Comes before the event in the body of an invocation. `Lambda-Tether-Details` tells how many bytes it has. */
export interface BootstrapDetails {
  /** Since the last invocation. */
  readonly env: EnvironmentChanges
  /** What the environment says of a function on Lambda, whether or not it does here. */
  readonly context: FunctionContext
}

export type FunctionContext = Pick<
  InvocationContext,
  'functionName' | 'functionVersion' | 'memoryLimitInMB' | 'logGroupName' | 'logStreamName'
>
