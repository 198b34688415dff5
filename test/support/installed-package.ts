import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import { sharedByRun } from './once-per-run.js'
import { type PackedPackage, runProgram } from './packed-package.js'

/** How long a hook must wait for {@link installPackage} or {@link sharedPackage}, in milliseconds. */
export const PACKAGE_INSTALL_MS = 240_000

/** An installation of the package that belongs to one test file. */
export interface InstalledPackage extends PackedPackage {
  /** Holds nothing else. Its path has a space and a `#`. */
  readonly folder: string
  /** Where the package itself lies. */
  readonly packageFolder: string
  /** Runs a script there, with nothing of this process's environment but what Node needs. */
  run(
    fileName: string,
    script: string,
    options?: { readonly timeoutMs?: number },
  ): Promise<{ stdout: string; stderr: string }>
}

/** Where the run's one installed package lies, for reading. */
export async function sharedPackage(): Promise<string> {
  return packageIn((await shared()).folder)
}

/** A copy of the run's one installation, to be changed at will. */
export async function installPackage(): Promise<InstalledPackage> {
  const { folder: from, buildFolders } = await shared()
  const temporary = await mkdtemp(join(tmpdir(), 'lambda-tether-package-'))
  const folder = join(temporary, 'a folder #1')
  await cp(from, folder, { recursive: true })
  return {
    folder,
    packageFolder: packageIn(folder),
    buildFolders,
    async run(fileName, script, { timeoutMs = 30_000 } = {}) {
      await writeFile(join(folder, fileName), script)
      const env = { PATH: process.env.PATH, HOME: process.env.HOME, SystemRoot: process.env.SystemRoot }
      return await runProgram(process.execPath, [fileName], { cwd: folder, env, timeout: timeoutMs })
    },
    [Symbol.asyncDispose]: () => rm(temporary, { recursive: true, force: true }),
  }
}

function shared(): Promise<Omit<PackedPackage, keyof AsyncDisposable>> {
  return sharedByRun(inject('packageInstaller'))
}

function packageIn(folder: string): string {
  return join(folder, 'node_modules', 'lambda-tether')
}
