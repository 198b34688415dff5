import { checkText, listOf, oneOf } from '../../base/option-checks.js'
import { type Check, checkOptions, isObject, mustBe, required } from '../../base/options.js'
import type { BuildOptions } from '../../contracts/build-options.js'
import type { Executor } from '../../contracts/executor.js'
import { checkExecutor, checkVariables, type FunctionTarget, type ServedFunction } from './target.js'

/** Options of `session.serve`. */
export interface ServeOptions {
  /** Runs paths and sources; handlers do not need it. The session closes it. */
  readonly executor?: Executor | undefined
  /** Build options for targets that are paths of TypeScript. A source has options of its own. */
  readonly build?: BuildOptions | undefined
  /**
   * Targets by function id, or a look-up. The look-up is asked at a function's first invocation, and again as long as
   * it returns `undefined`. Both can be changed while the session is open: `session.functions`.
   */
  readonly functions:
    | Readonly<Record<string, FunctionTarget | ServedFunction>>
    | ((functionId: string) => FunctionTarget | ServedFunction | undefined)
  /**
   * Variables of local code. They override the function's own and none is left out; an `undefined` one leaves the
   * function's value.
   * @default none
   */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /**
   * Functions to build when the session opens, so that their first invocation waits less; the executor starts as much
   * as it can for them. `true` means every function of `functions`. A name missing from `functions` is refused; if
   * `functions` is a look-up that does not find it, a `reload` event reports the error.
   * @default none
   */
  readonly prewarm?: true | readonly string[] | undefined
  /**
   * The outcome of invocations after a change that does not build: the error, or an answer of the last good build. The
   * `reload` event has the error in either case.
   * @default 'fail'
   */
  readonly onBuildError?: 'fail' | 'keep' | undefined
}

/** @throws TetherError `INVALID_OPTION` */
export function checkServeOptions(options: ServeOptions): ServeOptions {
  return checkOptions<ServeOptions>('serve', options, {
    executor: checkExecutor,
    functions: required(checkFunctions),
    build: (name, value) => mustBe('an object of build options', isObject(value), name, value),
    env: checkVariables,
    prewarm: checkPrewarm,
    onBuildError: oneOf('fail', 'keep'),
  })
}

const checkFunctions: Check = (name, value) =>
  mustBe(
    'an object of targets or a function that finds one',
    isObject(value) || typeof value === 'function',
    name,
    value,
  )

const checkPrewarm: Check = (name, value) =>
  value === true || listOf('true or a list of function ids', checkText)(name, value)
