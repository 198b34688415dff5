import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const PACKAGE = 'lambda-live-debugger'
/** The release that is compared; another may have moved the files that are driven here. */
const VERSION = '1.2.3'

/** Installs Lambda Live Debugger's npm release; its scripts are not run. @returns what its parties need of it */
export async function installLambdaLiveDebugger(folder) {
  const options = ['--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel', 'error']
  await promisify(execFile)('npm', ['install', ...options, `${PACKAGE}@${VERSION}`])
  const root = join(folder, 'node_modules', PACKAGE)
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  return {
    version: version === '0.0.0' ? VERSION : version,
    /** What its layer puts in place of a function's handler. */
    interceptor: join(root, 'dist/extension/nodejs/node_modules/interceptor.js'),
    /** The developer's side, module by module. */
    modules: join(root, 'dist'),
  }
}
