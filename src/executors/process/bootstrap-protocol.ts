import type { InvocationContext } from '../../core/contracts/handler.js'
import type { HandlerCode } from '../entry/load-handler.js'
import type { EnvironmentChanges } from '../environment-changes.js'
import type { PythonModule } from './python-project.js'

/**
 * The variable that tells this package's bootstraps the address of the Runtime API and of the calls that extend it: a
 * host, a port and a secret path. The path is secret because the calls return the function's environment, including its
 * credentials. The variable is removed before any user code is loaded.
 */
export const BOOTSTRAP_VARIABLE = 'LAMBDA_TETHER_BOOTSTRAP'

/** Returns {@link BootstrapStart}. */
export const START_PATH = '/lambda-tether/start'

export interface BootstrapStart {
  /**
   * The whole environment of user code. Removes variables that a debugger, a shim or the system has added to the
   * process.
   */
  readonly env: Readonly<Record<string, string>>
  /** A module to load at once, before the code is known. */
  readonly dependencies?: string
  /** Whether a Node process opens its inspector, at a free port. */
  readonly inspect?: true
}

/** Returns {@link BootstrapCode}, as soon as there is code to load. */
export const CODE_PATH = '/lambda-tether/code'

export interface BootstrapCode extends HandlerCode {
  /** How Python imports the code. */
  readonly python?: PythonModule
}

/** Takes `LoadedFiles`: the Python bootstrap reports the files it has loaded. */
export const LOADED_PATH = '/lambda-tether/loaded'

/**
 * The file descriptor of a pipe to which a bootstrap writes a byte for each invocation, before it calls the handler.
 * The count tells whether the invocation ended the process, or something before it. A written byte outlives the
 * process, however it ends.
 */
export const BEGUN_FD = 3

/** Precedes the event in the body of an invocation. `Lambda-Tether-Details` holds its length in bytes. */
export interface BootstrapDetails {
  /** Changes since the last invocation. */
  readonly env: EnvironmentChanges
  /** The function's properties that the environment holds on Lambda, even if it does not hold them here. */
  readonly context: FunctionContext
}

export type FunctionContext = Pick<
  InvocationContext,
  'functionName' | 'functionVersion' | 'memoryLimitInMB' | 'logGroupName' | 'logStreamName'
>
