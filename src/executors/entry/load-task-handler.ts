import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Handler } from '../../core/contracts/handler.js'
import { runtimeError } from './runtime-errors.js'

/** nodejs24.x also finds what a module exports by default. */
const LOOKS_INTO_DEFAULT = Number.parseInt(process.versions.node, 10) >= 24

/**
 * Loads `<folder/><module>.<export>` from the task root, with the order of extensions and the errors of Lambda's
 * own Node runtime client (aws-lambda-ric, UserFunction.js).
 * @throws an Error named `Runtime.MalformedHandlerName`, `.ImportModuleError`, `.UserCodeSyntaxError` or
 *   `.HandlerNotFound`, or what the module itself threw
 */
export async function loadTaskHandler(taskRoot: string, name: string): Promise<Handler> {
  if (name.includes('..')) {
    throw runtimeError(
      'MalformedHandlerName',
      `'${name}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`,
    )
  }
  const last = basename(name)
  const dot = last.indexOf('.')
  if (dot < 0) throw runtimeError('MalformedHandlerName', 'Bad handler')
  const folder = name.slice(0, name.length - last.length)
  const module = await importModule(taskRoot, folder, last.slice(0, dot))
  const path = last.slice(dot + 1)
  const found = memberOf(module, path) || (LOOKS_INTO_DEFAULT && memberOf(memberOf(module, 'default'), path))
  if (!found) throw runtimeError('HandlerNotFound', `${name} is undefined or not exported`)
  if (typeof found !== 'function') throw runtimeError('HandlerNotFound', `${name} is not a function`)
  return found as Handler
}

function memberOf(value: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((member, key) => (member as Record<string, unknown> | undefined)?.[key], value)
}

async function importModule(taskRoot: string, folder: string, module: string): Promise<unknown> {
  const path = resolve(taskRoot, folder, module)
  const require = createRequire(join(taskRoot, 'index.js'))
  try {
    if (existsSync(`${path}.js`)) {
      return isModuleScope(dirname(path)) ? await importFile(`${path}.js`) : require(`${path}.js`)
    }
    if (existsSync(`${path}.mjs`)) return await importFile(`${path}.mjs`)
    if (existsSync(`${path}.cjs`)) return require(`${path}.cjs`)
    return require(require.resolve(module, { paths: [taskRoot, resolve(taskRoot, folder)] }))
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const code = 'code' in error ? error.code : undefined
    if (error instanceof SyntaxError) throw runtimeError('UserCodeSyntaxError', String(error), error)
    if (code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND') {
      throw runtimeError('ImportModuleError', String(error), error)
    }
    throw error
  }
}

function importFile(path: string): Promise<unknown> {
  return import(pathToFileURL(path).href)
}

// The nearest package.json decides whether a .js file is an ES module, as in Node.
function isModuleScope(folder: string): boolean {
  const file = join(folder, 'package.json')
  if (existsSync(file)) {
    try {
      return (JSON.parse(readFileSync(file, 'utf8')) as { type?: unknown } | null)?.type === 'module'
    } catch {
      return false
    }
  }
  const parent = dirname(folder)
  return parent !== folder && basename(folder) !== 'node_modules' && isModuleScope(parent)
}
