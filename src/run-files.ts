import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TetherError } from './core/base/errors.js'

/**
 * Files that this package runs but never imports: in a worker thread, in another process, on Lambda, or in a browser.
 */
export type RunFile =
  | 'worker-thread'
  | 'debug-inspector'
  | 'node-bootstrap'
  | 'python-bootstrap'
  | 'guard'
  | 'conformance-functions'
  | 'fail-at-start'
  | 'exit-at-start'
  | 'stub-mqtt'
  | 'stub-iot'
  | 'wrapped'
  | 'wrap-preload'
  | 'wrap'
  | 'stub-api-gateway'
  | 'relay'
  | 'mcp-connector'
  | 'page-html'
  | 'page-script'
  | 'page-style'
  | 'template-diff'
  | 'record-inputs'

/** Paths below `dist`. */
const FILES: Readonly<Record<RunFile, string>> = {
  'worker-thread': 'run/worker-thread.mjs',
  'debug-inspector': 'run/debug-inspector.mjs',
  'node-bootstrap': 'run/node-bootstrap.mjs',
  'python-bootstrap': 'run/python-bootstrap.py',
  guard: 'run/guard.mjs',
  'conformance-functions': 'run/conformance-functions.mjs',
  'fail-at-start': 'run/fail-at-start.mjs',
  'exit-at-start': 'run/exit-at-start.mjs',
  'stub-mqtt': 'run/stub-mqtt.cjs',
  'stub-iot': 'run/stub-iot.cjs',
  wrapped: 'run/wrapped.mjs',
  'wrap-preload': 'run/wrap-preload.mjs',
  wrap: 'run/wrap.sh',
  'stub-api-gateway': 'run/stub-api-gateway.cjs',
  relay: 'run/relay.cjs',
  'mcp-connector': 'run/mcp-connector.mjs',
  'page-html': 'inspector/index.html',
  'page-script': 'inspector/app.js',
  'page-style': 'inspector/app.css',
  'template-diff': 'run/template-diff.mjs',
  'record-inputs': 'run/record-inputs.mjs',
}

/**
 * Returns the absolute path of a built file. Starts from the package's root, because this module's own place differs
 * between the sources, a chunk in `dist`, and an installed package.
 * @param moduleUrl where to start looking; for tests. @default this module
 * @throws TetherError `EXECUTION_FAILED` when the package's root or the file is missing
 */
export function runFile(name: RunFile, moduleUrl: string = import.meta.url): string {
  const path = join(packageRoot(moduleUrl), 'dist', FILES[name])
  if (existsSync(path)) return path
  throw new TetherError(
    'EXECUTION_FAILED',
    `${path} is missing. In a clone of lambda-tether, run: npm run build:run. In an installed package, reinstall it.`,
  )
}

/** A folder of the package. @throws TetherError `EXECUTION_FAILED` when the package's root is missing */
export function packageFolder(name: string): string {
  return join(packageRoot(import.meta.url), name)
}

/** The package's version. @throws TetherError as {@link packageFolder} does */
export function packageVersion(): string {
  const manifest = JSON.parse(readFileSync(join(packageRoot(import.meta.url), 'package.json'), 'utf8'))
  return String((manifest as { version?: unknown }).version)
}

function packageRoot(moduleUrl: string): string {
  let folder = dirname(fileURLToPath(moduleUrl))
  while (!isPackageRoot(folder)) {
    const parent = dirname(folder)
    if (parent === folder) {
      throw new TetherError(
        'EXECUTION_FAILED',
        `No package.json of lambda-tether lies above ${fileURLToPath(moduleUrl)}. Files that it runs are found from there: ` +
          'when you bundle your host, keep lambda-tether external.',
      )
    }
    folder = parent
  }
  return folder
}

function isPackageRoot(folder: string): boolean {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    return (
      typeof manifest === 'object' &&
      manifest !== null &&
      (manifest as { name?: unknown }).name === 'lambda-tether'
    )
  } catch {
    return false
  }
}
