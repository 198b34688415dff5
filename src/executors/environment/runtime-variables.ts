import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { FunctionBuild } from '../../core/contracts/function-source.js'
import { pythonTaskRoot } from '../process/python-project.js'
import { runtimeOf } from '../runtime-kind.js'

/**
 * Returns the variables that Lambda's runtimes set for the code they run: the package's folder and the runtime's
 * identifier. The Python bootstrap sets its identifier itself. A custom runtime is started with its task root and has
 * no identifier, as on `provided.al2023`.
 */
export function runtimeVariables(build: FunctionBuild): Readonly<Record<string, string>> {
  if (build.kind !== 'file') return {}
  if (runtimeOf(build) === 'python') {
    return { LAMBDA_TASK_ROOT: build.taskRoot ?? pythonTaskRoot(build.path) }
  }
  return {
    LAMBDA_TASK_ROOT: build.taskRoot ?? packageFolder(dirname(build.entry ?? build.path)),
    AWS_EXECUTION_ENV: `AWS_Lambda_nodejs${process.versions.node.split('.')[0]}.x`,
  }
}

/** Returns the nearest folder, at or above this one, with a package.json; or else this folder. */
function packageFolder(folder: string): string {
  for (let above = folder; ; above = dirname(above)) {
    if (existsSync(join(above, 'package.json'))) return above
    if (above === dirname(above)) return folder
  }
}
