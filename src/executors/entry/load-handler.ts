import { pathToFileURL } from 'node:url'
import type { Handler } from '../../core/contracts/handler.js'
import { runtimeError } from './runtime-errors.js'

/**
 * Imports a module and finds its handler. `exportName` may lead into an object: `app.handler`.
 * @throws an Error named `Runtime.HandlerNotFound`, `.ImportModuleError` or `.UserCodeSyntaxError`, or what the
 *   module itself threw
 */
export async function loadHandler(file: string, exportName: string): Promise<Handler> {
  const module = await importModule(file)
  // What a CommonJS module exports in ways that cannot be read from its text is on `default` alone.
  const found = memberOf(module, exportName) ?? memberOf(memberOf(module, 'default'), exportName)
  if (typeof found === 'function') return found as Handler
  const problem =
    found === undefined ? 'is undefined or not exported' : `is not a function but ${describe(found)}`
  throw runtimeError('HandlerNotFound', `${exportName} of ${file} ${problem}`)
}

async function importModule(file: string): Promise<unknown> {
  try {
    return await import(pathToFileURL(file).href)
  } catch (error) {
    if (error instanceof SyntaxError) throw runtimeError('UserCodeSyntaxError', String(error), error)
    const code = (error as { code?: unknown } | null | undefined)?.code
    if (code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND') {
      throw runtimeError('ImportModuleError', String(error), error as Error)
    }
    throw error
  }
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
