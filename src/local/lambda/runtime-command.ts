import { dirname } from 'node:path'
import type { RuntimeCommand } from '../../executors/process/runtime-process.js'
import { runFile } from '../../run-files.js'
import { type CompleteDefinition, runtimeFamily } from './function-definition.js'
import { lambdaEnvironment, type PlatformFacts } from './function-environment.js'

/** What a runtime is told by its host. */
export interface RuntimeFacts extends Omit<PlatformFacts, 'runtimeDir' | 'logStreamName'> {
  readonly environmentId: string
  /** Unix milliseconds. */
  readonly now: number
}

// What /var/runtime/bootstrap of Lambda's own images does: the wrapper is given the runtime's command line.
const RUN_WRAPPER = `wrapper=$1; shift
[ -f "$wrapper" ] || { echo "$wrapper: does not exist"; exit 127; }
[ -x "$wrapper" ] || { echo "$wrapper: is not an executable"; exit 126; }
exec "$wrapper" "$@"`

/** How to start a function's runtime: its own, or, with `AWS_LAMBDA_EXEC_WRAPPER`, that program given its command line. */
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
          // Lambda's Node runtimes have require() of ES modules off.
          '--no-experimental-require-module',
          `--max-old-space-size=${Math.floor(definition.memoryMb * 0.9)}`,
          bootstrap,
        ]
  const wrapper = env.AWS_LAMBDA_EXEC_WRAPPER
  const [command = '', ...args] =
    wrapper === undefined ? runtime : ['/bin/sh', '-c', RUN_WRAPPER, 'wrapper', wrapper, ...runtime]
  return { command, args, cwd: facts.taskRoot.path, env }
}
