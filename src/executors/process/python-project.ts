import { existsSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, extname, join, relative, sep } from 'node:path'

/** How the Python bootstrap imports a handler's module, so that it resolves imports as on Lambda. */
export interface PythonModule {
  /** The module's name below the root: `src.app`. */
  readonly name: string
  /** Folders to search before Python's own. */
  readonly first: readonly string[]
  /** Folders to search after all others, where they cannot shadow other modules. */
  readonly last: readonly string[]
}

/** Starting points of the search. */
export interface PythonHost {
  /** @default the working directory */
  readonly cwd?: string
  /** An activated virtual environment. @default the value of `VIRTUAL_ENV` */
  readonly activated?: string | undefined
}

/** Files that mark the root of a project. */
const MARKERS = ['pyproject.toml', 'requirements.txt', 'setup.py', 'Pipfile', 'uv.lock']

/**
 * Finds the root of a Python file's project. The file does not tell which folder is deployed: for `src/app.py` it may
 * be `src` or its parent. So both are searched, and the module's name starts at the upper folder, as relative imports
 * require.
 * @param root the deployed folder, if the user has named it.
 * @default found by its files
 */
export function pythonModule(
  file: string,
  root?: string,
  { cwd = process.cwd() }: PythonHost = {},
): PythonModule {
  const above = foldersAbove(file)
  const within = above.slice(0, limitOf(above, cwd) + 1)
  const found = root ?? projectIn(within, cwd)
  const top = found ?? (within.at(-1) as string)
  const outsidePackages = packagesStart(above)
  const base = root ?? (outsidePackages === above[0] ? top : outsidePackages)
  const first = unique(
    root === undefined ? [outsidePackages, ...(found === undefined ? [] : [found])] : [root],
  )
  const between = above.slice(0, above.indexOf(top) + 1)
  const last = unique([...between, cwd]).filter((one) => !first.includes(one))
  return { name: nameBelow(base, file), first, last }
}

/**
 * Returns the folder to use as the deployed one: the root of the file's project, or else the folder where its packages
 * start.
 */
export function pythonTaskRoot(file: string, { cwd = process.cwd() }: PythonHost = {}): string {
  const above = foldersAbove(file)
  return projectIn(above.slice(0, limitOf(above, cwd) + 1), cwd) ?? packagesStart(above)
}

/**
 * Returns the Python of a file's project: from its `.venv`, or the activated virtual environment, or `python3` on the
 * `PATH`.
 */
export function pythonProgram(
  file: string,
  root?: string,
  { cwd = process.cwd(), activated = process.env.VIRTUAL_ENV }: PythonHost = {},
): string {
  const above = foldersAbove(file)
  const limit = Math.max(
    limitOf(above, cwd),
    repositoryIn(above),
    root === undefined ? -1 : above.indexOf(root),
  )
  const environments = above.slice(0, limit + 1).map((folder) => join(folder, '.venv'))
  const programs = [...environments, ...(activated ? [activated] : [])].map(programOf)
  return programs.find(existsSync) ?? 'python3'
}

function programOf(environment: string): string {
  return process.platform === 'win32'
    ? join(environment, 'Scripts', 'python.exe')
    : join(environment, 'bin', 'python')
}

function foldersAbove(file: string): string[] {
  const above: string[] = []
  for (let folder = dirname(file); !above.includes(folder); folder = dirname(folder)) above.push(folder)
  return above
}

/**
 * Returns the index of the last folder that may be the root: the working directory, or the repository, or the highest
 * folder of the user's own.
 */
function limitOf(above: readonly string[], cwd: string): number {
  if (above.includes(cwd)) return above.indexOf(cwd)
  const repository = repositoryIn(above)
  if (repository !== -1) return repository
  const foreign = above.slice(1).findIndex((folder) => !isOwn(folder))
  return foreign === -1 ? above.length - 1 : foreign
}

function repositoryIn(above: readonly string[]): number {
  return above.findIndex((folder) => existsSync(join(folder, '.git')) && isOwn(folder))
}

function projectIn(folders: readonly string[], cwd: string): string | undefined {
  return folders.find(isProject) ?? (folders.includes(cwd) ? cwd : undefined)
}

/** Returns the nearest folder outside any package. */
function packagesStart(above: readonly string[]): string {
  return above.find((one) => !existsSync(join(one, '__init__.py'))) ?? (above[0] as string)
}

function isProject(folder: string): boolean {
  return MARKERS.some((marker) => existsSync(join(folder, marker)))
}

/**
 * Whether a folder is this user's own: a folder that others can write to, such as `/tmp`, must not be searched for
 * modules.
 */
function isOwn(folder: string): boolean {
  const home = homedir()
  if (folder === home || folder === dirname(folder)) return false
  if (process.getuid === undefined) return folder.startsWith(home + sep)
  const facts = statSync(folder, { throwIfNoEntry: false })
  const user = process.getuid()
  return facts !== undefined && (user === 0 || facts.uid === user) && (facts.mode & 0o002) === 0
}

/** Folders with a dot in their names cannot be packages. */
function nameBelow(base: string, file: string): string {
  const path = relative(base, dirname(file))
  const folders = path === '' ? [] : path.split(sep)
  const packages = folders.slice(folders.findLastIndex((folder) => folder.includes('.')) + 1)
  return [...packages, basename(file, extname(file)).replaceAll('.', '_')].join('.')
}

function unique(folders: readonly string[]): string[] {
  return [...new Set(folders)]
}
