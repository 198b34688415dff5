import { execFile } from 'node:child_process'
import { copyFile, cp, mkdir, mkdtemp, readdir, realpath, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)

/** The examples as in a clone that has been built, away from this one's `dist`. */
export interface BuiltExamples extends AsyncDisposable {
  /**
   * Runs Node in the clone's root, to its end, which it must come to by itself.
   * @param path where it finds programs. @default this process's
   * @throws what it wrote, where it ends with another code than 0
   */
  run(args: readonly string[], path?: string): Promise<{ stdout: string; stderr: string }>
  /** What the examples left in the folder for temporary files. */
  leftovers(): Promise<string[]>
}

export async function builtExamples(): Promise<BuiltExamples> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'lambda-tether-examples-')))
  const temporary = join(folder, 'temporary')
  await mkdir(temporary)
  await copyFile(join(root, 'package.json'), join(folder, 'package.json'))
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction')
  await cp(join(root, 'examples'), join(folder, 'examples'), { recursive: true })
  const tsup = join(root, 'node_modules/tsup/dist/cli-default.js')
  await run(process.execPath, [tsup, '--no-dts', '--silent', '--out-dir', join(folder, 'dist')], {
    cwd: root,
  })
  await cp(join(root, 'dist/run'), join(folder, 'dist/run'), { recursive: true })
  return {
    run: (args, path = process.env.PATH) => {
      const env = { PATH: path, HOME: process.env.HOME, TMPDIR: temporary }
      return run(process.execPath, args, { cwd: folder, env, timeout: 60_000 })
    },
    leftovers: () => readdir(temporary),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}
