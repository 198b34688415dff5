import { type ExecFileOptions, execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The package as its users get it: packed, and installed where nothing else is. */
export interface PackedPackage extends AsyncDisposable {
  /** The folder it was installed into. */
  readonly folder: string
  /** Folders of this machine that no packed file may name. */
  readonly buildFolders: readonly string[]
}

/** Installs the tarball that LAMBDA_TETHER_TARBALL names, or one of this work tree as it is. */
export async function packAndInstall(): Promise<PackedPackage> {
  const temporary = await mkdtemp(join(tmpdir(), 'lambda-tether-package-'))
  try {
    const tarball = await packPackage(temporary)
    const folder = join(temporary, 'installed')
    await mkdir(folder)
    await writeFile(join(folder, 'package.json'), '{ "private": true }\n')
    const flags = [
      '--omit=dev',
      '--omit=peer',
      '--prefer-offline',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
    ]
    await npm(['install', ...flags, tarball], folder)
    return {
      folder,
      buildFolders: [root, temporary],
      [Symbol.asyncDispose]: () => rm(temporary, { recursive: true, force: true }),
    }
  } catch (error) {
    await rm(temporary, { recursive: true, force: true })
    throw error
  }
}

/** @returns the tarball that LAMBDA_TETHER_TARBALL names, or one of this work tree as it is, written to a folder */
export async function packPackage(folder: string): Promise<string> {
  return process.env.LAMBDA_TETHER_TARBALL ?? (await pack(folder))
}

/** Builds and packs a copy of this work tree, so that no other test sees its `dist` change. @returns the tarball */
async function pack(temporary: string): Promise<string> {
  const tree = join(temporary, 'tree')
  await copyTree(tree)
  // `prepack` builds; another lifecycle script's settings must not leak in from `npm test`.
  await npm(['pack', '--pack-destination', temporary], tree)
  const tarball = (await readdir(temporary)).find((name) => name.endsWith('.tgz'))
  if (tarball === undefined) throw new Error('npm pack left no tarball.')
  return join(temporary, tarball)
}

async function copyTree(target: string): Promise<void> {
  const leaveOut = new Set(['node_modules', 'dist', 'coverage', '.git', '.tmp'])
  await cp(root, target, {
    recursive: true,
    filter: (path) => !leaveOut.has(basename(path)) && !path.endsWith('.tgz'),
  })
  await symlink(join(root, 'node_modules'), join(target, 'node_modules'), 'junction')
}

async function npm(args: readonly string[], cwd: string): Promise<void> {
  await runProgram('npm', args, { cwd, shell: process.platform === 'win32', maxBuffer: 64 * 1024 * 1024 })
}

/** Runs a program to its end. @throws Error with what it wrote */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: ExecFileOptions & { cwd: string },
): Promise<{ stdout: string; stderr: string }> {
  try {
    return await promisify(execFile)(command, args, { ...options, encoding: 'utf8' })
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string }
    // An uncaught error comes with the line that threw it, and a stub is one line of 80 KB.
    const said = `${stdout ?? ''}${stderr ?? ''}`.replace(/^(.{300}).+$/gm, '$1 …')
    throw new Error(`${command} ${args.join(' ')} failed:\n${said}`)
  }
}
