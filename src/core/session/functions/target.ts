import { TetherError } from '../../base/errors.js'
import { checkPath, recordOf, withMethods } from '../../base/option-checks.js'
import { type Check, invalidOption, isObject, mustBe, optionsOf, required } from '../../base/options.js'
import type { BuildOptions } from '../../contracts/build-options.js'
import type { Executor, ExecutorStats } from '../../contracts/executor.js'
import type { FunctionSource } from '../../contracts/function-source.js'
import type { Handler } from '../../contracts/handler.js'

/**
 * The local code for a function: a path with an export (`./src/api.ts#handler`), a handler in the notation of Lambda's
 * configuration (`src/api.handler`), a source, or a handler to run inline.
 */
export type FunctionTarget = string | FunctionSource | Handler

/** A target with settings for this function alone. */
export interface ServedFunction {
  readonly target: FunctionTarget
  /**
   * Variables of this function. They override the variables of `serve` and the function's own, and none is left out.
   */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /**
   * For a target that is a path: the folder that is the task root on Lambda; local code finds it in `LAMBDA_TASK_ROOT`.
   * A path or a `file:` URL. Python searches it for modules, so it is at or above the file. A source has an option of
   * its own.
   * @default the nearest folder with a `package.json`; for Python see docs/executors.md
   */
  readonly taskRoot?: string | URL | undefined
  /** Runs this function instead of the executor of `serve`. The session closes it. */
  readonly executor?: Executor | undefined
}

/** A served function and the state of its local code. */
export interface ServedState {
  readonly functionId: string
  /**
   * The path that serves it, or the built file with its export. Absent for handlers, commands, and sources not built
   * yet.
   */
  readonly source?: string | undefined
  /** The executor's name, such as `worker-threads`. */
  readonly executor: string
  /**
   * `unbuilt` until first needed. `failed` if the newest code could not be built, or could not be loaded ahead of an
   * invocation; `error` then has the reason, as in the `reload` event.
   */
  readonly state: 'unbuilt' | 'building' | 'ready' | 'failed'
  readonly error?: TetherError | undefined
  /** Its executor's statistics; absent if the executor has none for it. */
  readonly stats?: ExecutorStats | undefined
}

/** Dependencies that resolve targets, injected because the core knows no file system and no executor. */
export interface TargetParts {
  /** @throws TetherError `INVALID_OPTION` for a text that is not a target */
  sourceOf(
    target: string,
    build: BuildOptions | undefined,
    taskRoot: string | URL | undefined,
  ): FunctionSource
  inline(): Executor
}

/** Variables by name; an undefined one leaves the function's own value. */
export const checkVariables: Check = recordOf('an object of variables', (name, value) =>
  value === undefined ? undefined : mustBe('a text', typeof value === 'string', name, value),
)

export const checkExecutor: Check = withMethods(
  'an executor, such as workerThreads()',
  'execute',
  'reload',
  'close',
)

/**
 * Expands the value passed for a function to its long form.
 * @param name the option's name, for messages
 * @throws TetherError `INVALID_OPTION`
 */
export function servedFunction(name: string, passed: FunctionTarget | ServedFunction): ServedFunction {
  if (!isServedFunction(passed)) {
    checkTarget(name, passed)
    return { target: passed }
  }
  checkServed(name, passed)
  if (typeof passed.target === 'function' && passed.env !== undefined && passed.executor === undefined)
    throw invalidOption(
      `${name}.env`,
      'changes nothing for a handler, which shares the variables of this process',
    )
  if (typeof passed.target !== 'string' && passed.taskRoot !== undefined)
    throw invalidOption(
      `${name}.taskRoot`,
      typeof passed.target === 'function'
        ? 'changes nothing for a handler, which shares the variables of this process'
        : "is for targets that are paths; give it to file() or esbuild() itself, and 'cwd' to command()",
    )
  return passed
}

/**
 * The source that loads a function's target.
 * @param name the option's name, for messages
 * @throws TetherError `INVALID_OPTION` for a text that is not a target
 */
export function sourceOfTarget(
  name: string,
  { target, taskRoot }: Pick<ServedFunction, 'target' | 'taskRoot'>,
  parts: TargetParts,
  build?: BuildOptions,
): FunctionSource {
  if (typeof target === 'function')
    return { load: async () => ({ kind: 'module', load: async () => target }) }
  if (typeof target !== 'string') return target
  try {
    return parts.sourceOf(target, build, taskRoot)
  } catch (error) {
    if (!(error instanceof TetherError)) throw error
    throw new TetherError(error.code, `'${name}' cannot be served: ${error.message}`, {
      cause: error,
    })
  }
}

export const checkTarget: Check = (name, value) => {
  const holds =
    (typeof value === 'string' && value !== '') ||
    typeof value === 'function' ||
    typeof (value as FunctionSource | null | undefined)?.load === 'function'
  mustBe("'path#export', a source, a handler or { target, env, executor }", holds, name, value)
}

const checkServed: Check = optionsOf<ServedFunction>({
  target: required(checkTarget),
  env: checkVariables,
  executor: checkExecutor,
  taskRoot: checkPath,
})

// A source has methods, and may have further fields of any name.
function isServedFunction(value: unknown): value is ServedFunction {
  return (
    isObject(value) && 'target' in (value as object) && typeof (value as FunctionSource).load !== 'function'
  )
}

/** The error for a function without an executor. */
export function withoutExecutor(functionId: string): TetherError {
  return new TetherError(
    'INVALID_OPTION',
    `Function '${functionId}' needs an 'executor', such as workerThreads(); only handlers run without one.`,
  )
}
