// Loaded into a CDK app before its own code, by `--import`: writes the path of each file that the app loads or reads to
// the file in LAMBDA_TETHER_INPUTS. Does not record reads by descriptor, which the CDK uses for assets: code of
// functions is not part of a template.
import fs from 'node:fs'
import module from 'node:module'
import { resolve as resolvePath } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isMainThread } from 'node:worker_threads'

type Hook = (specifier: string, context: unknown, next: NextHook) => unknown
type NextHook = (
  specifier: string,
  context: unknown,
) => { readonly url: string } | Promise<{ readonly url: string }>

const { appendFileSync } = fs
const list = process.env.LAMBDA_TETHER_INPUTS
const recorded = new Set<string>()
/** Packages, and the folder in which the CDK caches asset hashes between runs. */
const FOREIGN = /[\\/]node_modules[\\/]|[\\/]\.cdk[\\/]cache[\\/]/

function record(path: unknown, kind: 'file' | 'folder'): void {
  try {
    if (typeof path !== 'string' && !(path instanceof URL)) return
    const text = String(path)
    const absolute = text.startsWith('file:') ? fileURLToPath(text.replace(/[?#].*$/, '')) : resolvePath(text)
    if (FOREIGN.test(absolute) || text.startsWith('node:') || recorded.has(kind + absolute)) return
    recorded.add(kind + absolute)
    if (list !== undefined) appendFileSync(list, `${JSON.stringify({ kind, path: absolute })}\n`)
  } catch {
    // A failure to record must not fail the app.
  }
}

/** The hook for both ways of registering. A resolved module is about to be loaded, so its file is recorded. */
export const resolve: Hook = (specifier, context, next) => {
  const resolved = next(specifier, context)
  const told = (result: { readonly url: string }) => {
    if (result.url.startsWith('file:')) record(result.url, 'file')
    return result
  }
  return resolved instanceof Promise ? resolved.then(told) : told(resolved)
}

// The thread of the hooks loads this module as well, and must not register again.
if (isMainThread && list !== undefined) {
  const { registerHooks, register } = module as typeof module & {
    registerHooks?(hooks: { resolve: Hook }): void
  }
  if (registerHooks !== undefined) registerHooks({ resolve })
  else register(import.meta.url)
  const entry = process.argv[1]
  if (entry !== undefined) record(entry, 'file')
  watchReads()
  module.syncBuiltinESMExports()
}

function watchReads(): void {
  const reading = (target: object, name: string, note: (path: unknown) => void) => {
    const original = (target as Record<string, (...args: unknown[]) => unknown>)[name]!
    Object.assign(target, {
      [name](this: unknown, ...args: unknown[]) {
        note(args[0])
        return original.apply(this, args)
      },
    })
  }
  for (const name of ['readFileSync', 'readFile', 'createReadStream'])
    reading(fs, name, (path) => record(path, 'file'))
  reading(fs.promises, 'readFile', (path) => record(path, 'file'))
  // Ignores listings by the CDK itself, which lists folders of assets to hash them.
  const list = (path: unknown) => {
    if (!/[\\/]aws-cdk-lib[\\/]/.test(new Error().stack ?? '')) record(path, 'folder')
  }
  for (const name of ['readdirSync', 'readdir']) reading(fs, name, list)
  reading(fs.promises, 'readdir', list)
}
