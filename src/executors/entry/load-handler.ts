import { readFileSync } from 'node:fs'
import { createRequire, Module } from 'node:module'
import { dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Handler } from '../../core/contracts/handler.js'
import { runtimeError } from './runtime-errors.js'
import { warmLoader } from './warm-loader.js'

/** The code of a function, as a bootstrap is told of it. */
export interface HandlerCode {
  /** Absolute. */
  readonly file: string
  readonly exportName: string
  /** Where a CommonJS module believes to lie. @default where it does */
  readonly as?: string
}

/**
 * Loads a module and finds its handler. `exportName` may lead into an object: `app.handler`.
 * @throws an Error named `Runtime.HandlerNotFound`, `.ImportModuleError` or `.UserCodeSyntaxError`, or what the
 *   module itself threw
 */
export async function loadHandler({ file, exportName, as }: HandlerCode): Promise<Handler> {
  const module = await loadModule(file, as)
  // What a CommonJS module exports in ways that cannot be read from its text is on `default` alone.
  const found = memberOf(module, exportName) ?? memberOf(memberOf(module, 'default'), exportName)
  if (typeof found === 'function') return found as Handler
  const problem =
    found === undefined ? 'is undefined or not exported' : `is not a function but ${describe(found)}`
  throw runtimeError('HandlerNotFound', `${exportName} of ${file} ${problem}`)
}

/** Prepares for code that is not there yet: loads what it will load. A failure is told by the code, which loads the same. */
export async function loadDependencies(file: string): Promise<void> {
  // Before any code that could notice.
  await warmLoader().catch(() => {})
  try {
    if (file.endsWith('.cjs')) createRequire(file)(file)
    else await import(pathToFileURL(file).href)
  } catch {
    // Told then.
  }
}

async function loadModule(file: string, as: string | undefined): Promise<unknown> {
  try {
    return as === undefined ? await import(pathToFileURL(file).href) : compiled(file, as)
  } catch (error) {
    if (error instanceof SyntaxError) throw runtimeError('UserCodeSyntaxError', String(error), error)
    const code = (error as { code?: unknown } | null | undefined)?.code
    if (code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND') {
      throw runtimeError('ImportModuleError', String(error), error as Error)
    }
    if (code === 'ERR_REQUIRE_ASYNC_MODULE')
      throw runtimeError('ImportModuleError', asyncModule(error), error as Error)
    throw error
  }
}

/** What Node's own loader has, and its types do not. `pirates`, `jiti` and `tsx` live on it, too. */
interface OpenModule extends Module {
  _compile(text: string, filename: string): void
}

/** The exports of a CommonJS module, from which `require` and `import()` start at `as`. */
function compiled(file: string, as: string): unknown {
  const module = new Module(as) as OpenModule
  module.filename = as
  module.paths = (Module as unknown as { _nodeModulePaths(folder: string): string[] })._nodeModulePaths(
    dirname(as),
  )
  // As Node does it. Without that the module is garbage by and by, and its source map with it.
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
  return value === null ? 'null' : `a value of type ${typeof value}`
}
