import { readFileSync } from 'node:fs'
import { createRequire, Module } from 'node:module'
import { dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { didYouMean, listed } from '../../core/base/nearest.js'
import type { Handler } from '../../core/contracts/handler.js'
import { runtimeError } from './runtime-errors.js'
import { installAwslambda, streamingOf } from './streaming/awslambda.js'
import { warmLoader } from './warm-loader.js'

/** The code of a function, as sent to a bootstrap. */
export interface HandlerCode {
  /** The absolute path of the module. */
  readonly file: string
  readonly exportName: string
  /** The file to name in messages. @default file */
  readonly entry?: string
  /** The path that a CommonJS module is given as its own. @default its real path */
  readonly as?: string
}

/**
 * Loads a module and finds its handler. `exportName` may lead into an object: `app.handler`.
 * @throws an Error named `Runtime.HandlerNotFound`, `.ImportModuleError`, `.UserCodeSyntaxError` or
 * `.MalformedStreamingHandler`; any error thrown by the module itself
 */
export async function loadHandler({ file, exportName, as, entry = file }: HandlerCode): Promise<Handler> {
  installAwslambda(process.env)
  const module = await loadModule(file, as, entry)
  // Exports of a CommonJS module that Node cannot detect in its text are only on `default`.
  const found = memberOf(module, exportName) ?? memberOf(memberOf(module, 'default'), exportName)
  if (typeof found === 'function') {
    streamingOf(found as Handler)
    return found as Handler
  }
  throw runtimeError('HandlerNotFound', `${exportName} of ${entry} ${problemOf(found, exportName, module)}`)
}

/** Describes why there is no handler. */
function problemOf(found: unknown, exportName: string, module: unknown): string {
  if (found !== undefined) return `is not a function but ${describe(found)}`
  const names = exportsOf(module)
  const those = names.length === 0 ? 'the module exports nothing' : `the module exports ${listed(names)}`
  return `is undefined or not exported${didYouMean(exportName, names)}; ${those}`
}

/** Returns the names of a module's own exports and of its default export's members; functions first. */
function exportsOf(module: unknown): string[] {
  const members = [module, memberOf(module, 'default')].flatMap((value) =>
    typeof value === 'object' && value !== null ? Object.keys(value) : [],
  )
  const isCallable = (name: string) => {
    try {
      return typeof (memberOf(module, name) ?? memberOf(memberOf(module, 'default'), name)) === 'function'
    } catch {
      // A getter of the module threw.
      return false
    }
  }
  const inside = ['module.exports', '__esModule', 'default']
  const names = [...new Set(members)].filter((name) => !inside.includes(name) || isCallable(name))
  return [...names.filter(isCallable), ...names.filter((name) => !isCallable(name))]
}

/**
 * Loads the dependencies of code that is not there yet. Ignores failures: the code loads the same modules and reports
 * them.
 */
export async function loadDependencies(file: string): Promise<void> {
  installAwslambda(process.env)
  // First, before any code that could notice.
  await warmLoader().catch(() => {})
  try {
    if (file.endsWith('.cjs')) createRequire(file)(file)
    else await import(pathToFileURL(file).href)
  } catch {
    // The code will report it.
  }
}

async function loadModule(file: string, as: string | undefined, entry: string): Promise<unknown> {
  try {
    return as === undefined ? await import(pathToFileURL(file).href) : compiled(file, as)
  } catch (thrown) {
    const error = nameEntry(thrown, [file, as], entry)
    if (error instanceof SyntaxError)
      throw runtimeError('UserCodeSyntaxError', `${error} (loading ${entry})`, error)
    const code = (error as { code?: unknown } | null | undefined)?.code
    if (code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND') {
      throw runtimeError('ImportModuleError', String(error), error as Error)
    }
    if (code === 'ERR_REQUIRE_ASYNC_MODULE')
      throw runtimeError('ImportModuleError', asyncModule(error), error as Error)
    throw error
  }
}

/**
 * Node's errors name the loaded file. If that is a build, name the entry instead: its author does not know the build.
 */
function nameEntry(error: unknown, files: readonly (string | undefined)[], entry: string): unknown {
  if (files[0] === entry || !(error instanceof Error)) return error
  const renamed = (text: string) =>
    files.reduce<string>(
      (named, file = entry) => named.replaceAll(pathToFileURL(file).href, entry).replaceAll(file, entry),
      text,
    )
  const { message, stack = '' } = error
  try {
    error.message = renamed(message)
    // Frames that are not mapped to a source have line numbers of the build: keep them.
    error.stack = stack.replace(message, () => error.message)
  } catch {
    // The error is read-only.
  }
  return error
}

/** Internals of Node's loader that its types lack. `pirates`, `jiti` and `tsx` depend on them, too. */
interface OpenModule extends Module {
  _compile(text: string, filename: string): void
}

/** Compiles a CommonJS module. Its `require` and `import()` resolve from `as`. */
function compiled(file: string, as: string): unknown {
  const module = new Module(as) as OpenModule
  module.filename = as
  module.paths = (Module as unknown as { _nodeModulePaths(folder: string): string[] })._nodeModulePaths(
    dirname(as),
  )
  // As Node does. Otherwise the module is collected as garbage, and its source map with it.
  createRequire(as).cache[as] = module
  module._compile(readFileSync(file, 'utf8'), as)
  module.loaded = true
  return module.exports
}

function asyncModule(error: unknown): string {
  const [name] = /\S*node_modules\S*/.exec(String((error as Error).stack)) ?? ['A package']
  return `${name} awaits something when it is loaded, which a CommonJS build cannot. Build the function with \`format: 'esm'\`: serve({ build: { format: 'esm' } }), or esbuild({ entry, format: 'esm' }). ${String(error)}`
}

function memberOf(value: unknown, path: string): unknown {
  let member = value
  for (const name of path.split('.')) {
    if (member === null || (typeof member !== 'object' && typeof member !== 'function')) return undefined
    member = (member as Record<string, unknown>)[name]
  }
  return member
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  return value === null ? 'null' : `a value of type ${typeof value}`
}
