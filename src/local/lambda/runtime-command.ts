import { dirname } from 'node:path'
import type { RuntimeCommand } from '../../executors/process/runtime-process.js'
import { runFile } from '../../run-files.js'
import { type CompleteDefinition, runtimeFamily } from './function-definition.js'
import { lambdaEnvironment, type PlatformFacts } from './function-environment.js'

/** The host's facts for a runtime. */
export interface RuntimeFacts extends Omit<PlatformFacts, 'runtimeDir' | 'logStreamName'> {
  readonly environmentId: string
  /** Unix milliseconds. */
  readonly now: number
}

// As /var/runtime/bootstrap in Lambda's own images: the wrapper gets the runtime's command line as arguments.
const RUN_WRAPPER = `wrapper=$1; shift
[ -f "$wrapper" ] || { echo "$wrapper: does not exist"; exit 127; }
[ -x "$wrapper" ] || { echo "$wrapper: is not an executable"; exit 126; }
exec "$wrapper" "$@"`

/**
 * Returns the command of a function's runtime; with `AWS_LAMBDA_EXEC_WRAPPER`, that program with the runtime's command
 * line.
 */
export function runtimeCommand(definition: CompleteDefinition, facts: RuntimeFacts): RuntimeCommand {
  const family = runtimeFamily(definition.runtime) ?? 'node'
  const bootstrap = runFile(`${family}-bootstrap`)
  const day = new Date(facts.now).toISOString().slice(0, 10).replaceAll('-', '/')
  const env = lambdaEnvironment(definition, {
    ...facts,
    runtimeDir: dirname(bootstrap),
    logStreamName: `${day}/[${facts.version}]${facts.environmentId.replaceAll('-', '')}`,
  })
  const runtime =
    family === 'python'
      ? [definition.pythonPath, bootstrap]
      : [
          definition.nodePath,
          // Lambda's Node runtimes disable require() of ES modules.
          '--no-experimental-require-module',
          `--max-old-space-size=${Math.floor(definition.memoryMb * 0.9)}`,
          bootstrap,
        ]
  const wrapper = env.AWS_LAMBDA_EXEC_WRAPPER
  const [command = '', ...args] =
    wrapper === undefined ? runtime : ['/bin/sh', '-c', RUN_WRAPPER, 'wrapper', wrapper, ...runtime]
  return { command, args, cwd: facts.taskRoot.path, env }
}
