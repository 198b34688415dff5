import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve, sep } from 'node:path'
import { checkPath, checkText, listOf, recordOf } from '../../core/base/option-checks.js'
import { type Check, checkOptions, invalidOption, isObject, mustBe } from '../../core/base/options.js'
import { pathOfUrl } from '../../sources/target.js'
import { runApp } from './cdk-app.js'
import { readAssembly } from './cdk-assembly.js'
import { type InfrastructureSource, synthFailed } from './source.js'

/** Options of {@link cdk}. */
export interface CdkOptions {
  /**
   * The command that runs the app, like `app` in `cdk.json`: `npx tsx bin/app.ts`.
   * @default the command in `cdk.json`
   */
  readonly app?: string | undefined
  /** The folder of `cdk.json`, which is the app's working directory. @default the working directory */
  readonly cwd?: string | URL | undefined
  /** Context in addition to `cdk.json` and `cdk.context.json`, like `cdk synth -c`. */
  readonly context?: Readonly<Record<string, unknown>> | undefined
  /** Variables of the app in addition to the host's. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /**
   * More files to watch for saves, relative to `cwd`. Name here the files that an app in a language other than
   * JavaScript or TypeScript reads.
   */
  readonly watch?: readonly string[] | undefined
}

const checkContext: Check = (name, value) => mustBe('an object', isObject(value), name, value)
/** The files with the app's context. The CDK's command writes looked-up values to the second. */
const CONTEXT_FILES = ['cdk.json', 'cdk.context.json']
/**
 * Disables Docker, bundling and copies of assets: a template contains only the hash of code, which the comparison
 * ignores.
 */
const FAST = {
  'aws:cdk:bundling-stacks': [],
  'aws:cdk:disable-asset-staging': true,
  'aws:cdk:enable-path-metadata': false,
  'aws:cdk:enable-asset-metadata': false,
}

/**
 * Synthesises the stacks of a CDK app. Runs the app itself, without the CDK's command: nothing is bundled, staged,
 * validated or looked up. Values to look up must already be in `cdk.context.json`, where `cdk synth` puts them. Watches
 * the files that the app loads and reads, so that saving a function's code does not run the app.
 * @throws TetherError `INVALID_OPTION`; from `synth`: `BUILD_FAILED` with `details.file` and `details.line` if the app
 * fails
 */
export function cdk(options: CdkOptions = {}): InfrastructureSource {
  const {
    app,
    cwd = '.',
    context = {},
    env = {},
    watch = [],
  } = checkOptions('cdk', options, {
    app: checkText,
    cwd: checkPath,
    context: checkContext,
    env: recordOf('an object of texts', checkText),
    watch: listOf('a list of paths', checkText),
  })
  const folder = cwd instanceof URL ? pathOfUrl('cwd', cwd) : resolve(cwd)
  const own = [...CONTEXT_FILES, ...watch].map((name) => join(folder, name))
  return {
    async synth({ signal }) {
      const [settings, lookedUp] = await Promise.all(
        CONTEXT_FILES.map((name) => readJson(join(folder, name), own)),
      )
      const command = app ?? settings?.app
      if (typeof command !== 'string')
        throw invalidOption('app', `is missing, and ${join(folder, 'cdk.json')} has none`)
      const outdir = await realpath(await mkdtemp(join(tmpdir(), 'lambda-tether-cdk-')))
      try {
        const all = { ...(settings?.context as object), ...lookedUp, ...context, ...FAST }
        const read = await runApp({ command, cwd: folder, outdir, context: all, env, signal })
        const inputs = {
          files: [...own, ...read.files.filter((file) => !file.startsWith(outdir + sep))],
          folders: read.folders.filter((one) => one !== outdir && !one.startsWith(outdir + sep)),
        }
        if (read.failure !== undefined)
          throw synthFailed(read.failure.message, { ...read.failure.place, ...inputs })
        return { templates: await readAssembly(outdir, inputs), ...inputs }
      } finally {
        await rm(outdir, { recursive: true, force: true })
      }
    },
  }
}

/** @throws TetherError `BUILD_FAILED` for invalid JSON */
async function readJson(
  file: string,
  files: readonly string[],
): Promise<Record<string, unknown> | undefined> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch {
    return undefined
  }
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw synthFailed(`${file}: ${(cause as Error).message}`, { file, files }, cause)
  }
}
