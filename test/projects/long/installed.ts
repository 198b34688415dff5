import { execFile } from 'node:child_process'
import { mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** Packages from the registry, in a folder of their own. */
export interface Installed extends AsyncDisposable {
  readonly folder: string
  /** Makes them a project's packages. */
  linkInto(project: string): Promise<void>
}

/** @param packages names, with versions where they matter. No script of theirs is run. */
export async function installAll(packages: readonly string[]): Promise<Installed> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'lambda-tether-installed-')))
  const dispose = () => rm(folder, { recursive: true, force: true })
  try {
    await writeFile(join(folder, 'package.json'), '{ "private": true }')
    await run(
      'npm',
      ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', ...packages],
      folder,
    )
  } catch (error) {
    await dispose()
    throw error
  }
  return {
    folder,
    linkInto: (project) => symlink(join(folder, 'node_modules'), join(project, 'node_modules'), 'junction'),
    [Symbol.asyncDispose]: dispose,
  }
}

/** @throws Error with what the command said */
export async function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = {},
): Promise<string> {
  try {
    const options = { cwd, env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 }
    return (await promisify(execFile)(command, args, options)).stdout
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string }
    throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`)
  }
}
