import { TetherError } from '../core/base/errors.js'
import type { Task } from '../core/contracts/executor.js'
import { runtimeOf } from './runtime-kind.js'

/** The error of an executor that cannot run what a function's source has built: `UNSUPPORTED`, with what can. */
export function unsupportedBuild(executor: string, { functionId, build }: Task): TetherError {
  const [what, advice] = ADVICE[runtimeOf(build) ?? 'module']
  return new TetherError(
    'UNSUPPORTED',
    `${executor} cannot run function '${functionId}', which is ${what}. ${advice}`,
  )
}

const ADVICE = {
  module: ['a handler of this process', 'Serve it inline, or give a path.'],
  node: ['a module on disk', 'Use workerThreads() or childProcesses(), or import it and give the handler.'],
  python: ['a Python module', 'Use childProcesses().'],
  custom: ['a program of its own', 'Use childProcesses().'],
} as const
