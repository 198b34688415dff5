import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { TetherError } from '../core/base/errors.js'
import { checkFlag, checkPath, checkText, listOf, wholeNumber } from '../core/base/option-checks.js'
import { checkOptions, mustBe } from '../core/base/options.js'
import type { FunctionSource } from '../core/contracts/function-source.js'
import { FileWatch } from './file-watch.js'
import { pathOfUrl } from './target.js'

/** Options of {@link command}. */
export interface CommandOptions {
  /** The program's working directory and `LAMBDA_TASK_ROOT`. A path or a `file:` URL. @default the working directory */
  cwd?: string | URL | undefined
  /** The value of `_HANDLER`. @default `handler` */
  handler?: string | undefined
  /**
   * Files that restart the program when saved, relative to `cwd`.
   * @default the program itself, if it is a path such as `./bootstrap`
   */
  watch?: readonly string[] | undefined
  /**
   * Milliseconds between checks for changes, as in `serve({ build })`.
   * @default none: the file system reports changes
   */
  polling?: number | undefined
  /**
   * Adds a path to host and port in `AWS_LAMBDA_RUNTIME_API` that only this program knows: then no other program on
   * this machine can read its events or answer them. AWS's runtimes for Go, Rust, Java, .NET, Ruby and C++ accept a
   * path, as do programs that paste the variable into a URL; the runtimes for Node and Python do not. On Linux, other
   * users are refused even without it.
   * @default false
   */
  secretPath?: boolean | undefined
}

/**
 * A program in any language that speaks the Lambda Runtime API itself, like the `bootstrap` of a custom runtime. It
 * reads the API's address from `AWS_LAMBDA_RUNTIME_API`. Runs in `childProcesses()`.
 * @param program the program and its arguments; a path is relative to `cwd`, a name is looked up on the `PATH`
 * @throws TetherError `INVALID_OPTION`; from `load`: `BUILD_FAILED` if the folder or the program is missing
 */
export function command(
  program: readonly [string, ...string[]],
  options: CommandOptions = {},
): FunctionSource {
  checkProgram('program', program)
  const {
    cwd: folder = '.',
    handler = 'handler',
    watch: watched,
    polling,
    secretPath = false,
  } = checkOptions('command', options, {
    cwd: checkPath,
    handler: checkText,
    watch: listOf('a list of paths', checkText),
    polling: wholeNumber(1),
    secretPath: checkFlag,
  })
  const cwd = folder instanceof URL ? pathOfUrl('cwd', folder) : resolve(folder)
  const executable = /[\\/]/.test(program[0]) ? resolve(cwd, program[0]) : undefined
  const files = watched?.map((file) => resolve(cwd, file)) ?? (executable === undefined ? [] : [executable])
  const watch = new FileWatch(undefined, polling)
  return {
    load: async () => {
      if (!statSync(cwd, { throwIfNoEntry: false })?.isDirectory()) throw missing('folder', cwd)
      if (executable !== undefined && !statSync(executable, { throwIfNoEntry: false })?.isFile())
        throw missing('program', executable)
      watch.follow(files)
      return { kind: 'command', command: [...program], cwd, handler, ...(secretPath && { secretPath }) }
    },
    watch: (listener) => {
      watch.follow(files)
      return watch.subscribe(listener)
    },
    close: async () => watch.close(),
  }
}

function checkProgram(name: string, value: unknown): void {
  const words = "a list of texts such as ['./bootstrap']"
  listOf(words, (item, one) => mustBe('a text', typeof one === 'string', item, one))(name, value)
  const [first] = value as readonly string[]
  mustBe(words, first !== undefined && first !== '', name, first)
}

function missing(what: string, path: string): TetherError {
  const text = `There is no such ${what}`
  return new TetherError('BUILD_FAILED', `${text}: ${path}`, { details: { file: path, text } })
}
