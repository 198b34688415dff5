import { TetherError } from '../core/base/errors.js'
import type { Task } from '../core/contracts/executor.js'
import { runtimeOf } from './runtime-kind.js'

/** Returns the error of an executor that cannot run a function's build: `UNSUPPORTED`, with advice on alternatives. */
export function unsupportedBuild(executor: string, { functionId, build }: Task): TetherError {
  const [what, advice] = ADVICE[runtimeOf(build) ?? 'module']
  return new TetherError(
    'UNSUPPORTED',
    `${executor} cannot run function '${functionId}', which is ${what}. ${advice}`,
  )
}

const ADVICE = {
  module: ["a handler of this process (a build of kind 'module')", 'Use inline(), or give a path.'],
  node: ['a module on disk', 'Use workerThreads() or childProcesses(), or import it and give the handler.'],
  python: ['a Python module', 'Use childProcesses().'],
  custom: ['a program of its own', 'Use childProcesses().'],
} as const
