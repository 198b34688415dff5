import type { FunctionBuild } from '../../core/contracts/function-source.js'
import { runFile } from '../../run-files.js'
import { debuggerVariables } from '../debug/variables.js'
import type { WorkerOrigin } from '../pool/local-worker.js'
import { BOOTSTRAP_VARIABLE } from './bootstrap-protocol.js'
import type { RuntimeCommand } from './runtime-process.js'

/** Values for starting a process. */
export interface StartOptions {
  /** The environment of user code. */
  readonly env: Readonly<Record<string, string>>
  /** The address of the Runtime API: a host and a port, and for a bootstrap a path. */
  readonly api: string
}

/** Returns the command for a bootstrap, which then asks for the rest. */
export function bootstrapCommand(
  kind: 'node' | 'python',
  { env, api, python }: StartOptions & { readonly python: string },
): RuntimeCommand {
  // The bootstrap removes these as well.
  const debugging = kind === 'node' ? debuggerVariables(process.env, env) : {}
  return {
    command: kind === 'python' ? python : process.execPath,
    args: [runFile(`${kind}-bootstrap`)],
    cwd: process.cwd(),
    env: { ...env, ...debugging, [BOOTSTRAP_VARIABLE]: api },
  }
}

/** Returns the command for a custom runtime, according to its build. */
export function customCommand(
  { command, cwd, handler }: Extract<FunctionBuild, { kind: 'command' }>,
  { context }: WorkerOrigin,
  { env, api }: StartOptions,
): RuntimeCommand {
  const [program = '', ...args] = command
  return {
    command: program,
    args,
    cwd,
    env: {
      // Runtimes of some languages do not start without these; the function's own values override them.
      AWS_LAMBDA_FUNCTION_NAME: context.functionName,
      AWS_LAMBDA_FUNCTION_VERSION: context.functionVersion,
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: context.memoryLimitInMB,
      AWS_LAMBDA_LOG_GROUP_NAME: context.logGroupName,
      AWS_LAMBDA_LOG_STREAM_NAME: context.logStreamName,
      ...env,
      AWS_LAMBDA_RUNTIME_API: api,
      _HANDLER: handler,
      LAMBDA_TASK_ROOT: cwd,
    },
  }
}
