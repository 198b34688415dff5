import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const PACKAGE = 'lambda-live-debugger'
/** The release to compare; another release may have moved the files that are used here. */
const VERSION = '1.2.3'

/** Installs Lambda Live Debugger's npm release without running its scripts. @returns the paths that its parties need */
export async function installLambdaLiveDebugger(folder) {
  const options = ['--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel', 'error']
  await promisify(execFile)('npm', ['install', ...options, `${PACKAGE}@${VERSION}`])
  const root = join(folder, 'node_modules', PACKAGE)
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  return {
    version: version === '0.0.0' ? VERSION : version,
    /** Its layer's replacement for a function's handler. */
    interceptor: join(root, 'dist/extension/nodejs/node_modules/interceptor.js'),
    /** The developer's side, module by module. */
    modules: join(root, 'dist'),
  }
}
