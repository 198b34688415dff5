import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Handler } from '../../core/contracts/handler.js'
import { runtimeError } from './runtime-errors.js'
import { installAwslambda, streamingOf } from './streaming/awslambda.js'

// Lambda's Node runtimes find a handler as their runtime client does, open source as aws-lambda-ric: version 3 up to
// nodejs22.x (UserFunction.js), version 4 from nodejs24.x on (module-loader.js, handler-resolver.js).

/** A runtime's way of finding a handler. */
interface Finder {
  /** Loads the module. @param path without an extension @param load `require` of the task root */
  load(path: string, load: NodeJS.Require): Promise<unknown>
  find(module: unknown, name: string): unknown
}

/** Up to nodejs22.x: `require` of the exact path, then by the type of each extension. */
const BY_REQUIRE: Finder = {
  async load(path, require) {
    const tries = [
      () => existsSync(path) && require(path),
      () => existsSync(`${path}.js`) && !isModuleScope(dirname(path)) && require(`${path}.js`),
      () => existsSync(`${path}.js`) && isModuleScope(dirname(path)) && importFile(`${path}.js`),
      () => existsSync(`${path}.mjs`) && importFile(`${path}.mjs`),
      () => existsSync(`${path}.cjs`) && require(`${path}.cjs`),
    ]
    for (const attempt of tries) {
      // Falsy exports count as no module.
      const module: unknown = await attempt()
      if (module) return module
    }
    return undefined
  },
  find: (module, name) =>
    name
      .split('.')
      .reduce<unknown>((member, key) => member && (member as Record<string, unknown>)[key], module),
}

/** From nodejs24.x on: `import()` for all, and a search in the default export as well. */
const BY_IMPORT: Finder = {
  async load(path) {
    for (const extension of ['', '.js', '.mjs', '.cjs']) {
      if (existsSync(path + extension)) return importFile(path + extension)
    }
    return undefined
  },
  find: (module, name) => memberOf(module, name) || memberOf(module, `default.${name}`),
}

const FINDER = Number.parseInt(process.versions.node, 10) >= 24 ? BY_IMPORT : BY_REQUIRE

/**
 * Loads `<folder/><module>.<export>` from the task root as Lambda's runtime does, with the same errors.
 * @throws an Error named `Runtime.MalformedHandlerName`, `.ImportModuleError`, `.UserCodeSyntaxError` or
 * `.HandlerNotFound`; any error thrown by the module itself
 */
export async function loadTaskHandler(taskRoot: string, name: string): Promise<Handler> {
  installAwslambda(process.env)
  if (name.includes('..')) {
    throw runtimeError(
      'MalformedHandlerName',
      `'${name}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`,
    )
  }
  const last = basename(name)
  const dot = last.indexOf('.')
  if (dot < 0) throw runtimeError('MalformedHandlerName', 'Bad handler')
  const folder = name.slice(0, name.indexOf(last))
  const module = await importModule(taskRoot, folder, last.slice(0, dot))
  const found = FINDER.find(module, last.slice(dot + 1))
  if (!found) throw runtimeError('HandlerNotFound', `${name} is undefined or not exported`)
  if (typeof found !== 'function') throw runtimeError('HandlerNotFound', `${name} is not a function`)
  streamingOf(found as Handler)
  return found as Handler
}

function memberOf(value: unknown, name: string): unknown {
  return name.split('.').reduce<unknown>((member, key) => {
    return typeof member === 'object' && member ? (member as Record<string, unknown>)[key] : undefined
  }, value)
}

async function importModule(taskRoot: string, folder: string, module: string): Promise<unknown> {
  const require = createRequire(join(taskRoot, 'index.js'))
  try {
    const loaded = await FINDER.load(resolve(taskRoot, folder, module), require)
    return loaded ?? require(require.resolve(module, { paths: [taskRoot, resolve(taskRoot, folder)] }))
  } catch (error) {
    if (error instanceof SyntaxError) throw runtimeError('UserCodeSyntaxError', String(error), error)
    if (error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND') {
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
      const content = JSON.parse(readFileSync(file, 'utf8')) as { type?: unknown } | null
      // With `null`, look in the parent folder.
      if (content) return content.type === 'module'
    } catch {
      return false
    }
  }
  const parent = dirname(folder)
  return parent !== folder && basename(folder) !== 'node_modules' && isModuleScope(parent)
}
