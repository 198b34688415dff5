import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, cp, mkdir, mkdtemp, readdir, realpath, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { sharedPackage } from '../support/installed-package.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)

/** The examples as in a clone that has been built, away from this one's `dist`. */
export interface BuiltExamples extends AsyncDisposable {
  /** The clone's root. */
  readonly folder: string
  /**
   * Runs Node in the clone's root, to its end, which it must come to by itself.
   * @param env beside where it finds programs and puts temporary files
   * @throws what it wrote, where it ends with another code than 0
   */
  run(
    args: readonly string[],
    env?: Readonly<Record<string, string>>,
  ): Promise<{ stdout: string; stderr: string }>
  /** Starts Node in the clone's root; ended by SIGINT, as Ctrl+C does it. */
  start(args: readonly string[]): RunningExample
  /** What the examples left in the folder for temporary files. */
  leftovers(): Promise<string[]>
}

/** An example that goes on until it is told to stop. */
export interface RunningExample extends AsyncDisposable {
  /** All that it has written, once that has the pattern. @throws where it ends before */
  printed(pattern: RegExp): Promise<string>
  /** What Ctrl+C does. */
  interrupt(): void
}

export async function builtExamples(): Promise<BuiltExamples> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'lambda-tether-examples-')))
  const temporary = join(folder, 'temporary')
  await mkdir(temporary)
  await copyFile(join(root, 'package.json'), join(folder, 'package.json'))
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction')
  await cp(join(root, 'examples'), join(folder, 'examples'), { recursive: true })
  await cp(join(await sharedPackage(), 'dist'), join(folder, 'dist'), { recursive: true })
  return {
    folder,
    run: (args, env = {}) => {
      const own = { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: temporary }
      return run(process.execPath, args, { cwd: folder, env: { ...own, ...env }, timeout: 240_000 })
    },
    start: (args) => {
      const env = { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: temporary }
      const child = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] })
      const ended = once(child, 'close')
      let output = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
      return {
        printed: async (pattern) => {
          while (!pattern.test(output)) {
            const more = await Promise.race([once(child.stdout, 'data'), ended.then(() => undefined)])
            if (more === undefined && !pattern.test(output)) throw new Error(`It ended with: ${output}`)
          }
          return output
        },
        interrupt: () => void child.kill('SIGINT'),
        async [Symbol.asyncDispose]() {
          child.kill('SIGINT')
          await ended
        },
      }
    },
    leftovers: () => readdir(temporary),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}
