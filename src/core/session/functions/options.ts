import { checkText, listOf, oneOf } from '../../base/option-checks.js'
import { type Check, checkOptions, isObject, mustBe, required } from '../../base/options.js'
import type { BuildOptions } from '../../contracts/build-options.js'
import type { Executor } from '../../contracts/executor.js'
import { checkExecutor, checkVariables, type FunctionTarget, type ServedFunction } from './target.js'

/** What `session.serve` takes. */
export interface ServeOptions {
  /** Runs paths and sources; not needed for handlers. The session closes it. */
  readonly executor?: Executor | undefined
  /** How targets that are paths of TypeScript are built. A source has options of its own. */
  readonly build?: BuildOptions | undefined
  /**
   * Targets by function id, or a look-up, asked when a function is first invoked, and again while it answers `undefined`. Both can
   * be changed while the session is open: `session.functions`.
   */
  readonly functions:
    | Readonly<Record<string, FunctionTarget | ServedFunction>>
    | ((functionId: string) => FunctionTarget | ServedFunction | undefined)
  /**
   * Variables of local code. They hold over the function's own, and none is left out; one that is `undefined` is left as it is.
   * @default none
   */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /**
   * Functions that are built when the session opens, and for which the executor starts what it can, so that their first
   * invocation waits for less; `true` means every function of `functions`. A name that is not among them is refused; where
   * `functions` is a look-up that finds none, that is a `reload` with an error.
   * @default none
   */
  readonly prewarm?: true | readonly string[] | undefined
  /**
   * What invocations get after a change that does not build: the error, or an answer of the last build that was good. The
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
