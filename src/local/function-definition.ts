import { TetherError } from '../core/errors.js'
import { checkUserEnvironment } from './function-environment.js'

/** AWS credentials, as a function or a client of the local cloud uses them. */
export interface LocalCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** A function of the local Lambda host, with the names and the limits of Lambda's own configuration. */
export interface FunctionDefinition {
  /** 1 to 64 letters, digits, `-` or `_`. */
  readonly name: string
  /** A folder, as a zip would unpack; or one `.js`, `.mjs`, `.cjs` or `.py` file, which is put where `handler` says. */
  readonly bundle: string
  /**
   * `nodejs<major>.x` or `python3.<minor>`, as Lambda names them: this machine's Node or Python runs it, whatever the
   * number. @default this Node's
   */
  readonly runtime?: string
  /** Folders, as layers' zips would unpack, at most five; merged in their order into what stands for `/opt`. @default none */
  readonly layers?: readonly string[]
  /** @default 'index.handler' */
  readonly handler?: string
  /** At most 4 KB in all; the names that Lambda reserves are refused. */
  readonly environment?: Readonly<Record<string, string>>
  /** 1 to 900,000. Lambda itself counts in whole seconds. @default 3000 */
  readonly timeoutMs?: number
  /** 128 to 10,240. Nine tenths of it are the limit of V8's heap. @default 128 */
  readonly memoryMb?: number
  /** The most execution environments at once; beyond it invocations are throttled. @default 100 */
  readonly reservedConcurrency?: number
  /** The Node that runs it. @default process.execPath */
  readonly nodePath?: string
  /** The Python that runs it. @default 'python3' */
  readonly pythonPath?: string
  /** What stands for the function's role. @default the host's */
  readonly credentials?: LocalCredentials
}

/** A definition whose defaults are filled in. */
export type CompleteDefinition = Required<Omit<FunctionDefinition, 'credentials'>> &
  Pick<FunctionDefinition, 'credentials'>

const DEFAULTS = {
  handler: 'index.handler',
  environment: {},
  layers: [],
  timeoutMs: 3000,
  memoryMb: 128,
  reservedConcurrency: 100,
  pythonPath: 'python3',
}
/** The most layers of one function. */
export const MAX_LAYERS = 5

/**
 * Checks a definition as Lambda's CreateFunction does.
 * @throws TetherError `INVALID_OPTION` by name
 */
export function completeDefinition(definition: FunctionDefinition): CompleteDefinition {
  const runtime = `nodejs${process.versions.node.split('.')[0]}.x`
  const complete = { ...DEFAULTS, runtime, nodePath: process.execPath, ...definition }
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(complete.name)) {
    throw new TetherError(
      'INVALID_OPTION',
      `'name' must be 1 to 64 letters, digits, '-' or '_', not '${complete.name}'.`,
    )
  }
  if (typeof complete.bundle !== 'string' || complete.bundle === '') {
    throw new TetherError(
      'INVALID_OPTION',
      `'bundle' of '${complete.name}' must be the path of a file or a folder.`,
    )
  }
  if (!/^(?!.*\.\.)\S*\.[^\s/]+$/.test(complete.handler)) {
    throw new TetherError('INVALID_OPTION', `'handler' must be 'file.export', not '${complete.handler}'.`)
  }
  checkRange('timeoutMs', complete.timeoutMs, 1, 900_000)
  checkRange('memoryMb', complete.memoryMb, 128, 10_240)
  checkRange('reservedConcurrency', complete.reservedConcurrency, 0, 1000)
  checkUserEnvironment(complete.environment)
  if (runtimeFamily(complete.runtime) === undefined) {
    throw new TetherError(
      'INVALID_OPTION',
      `'runtime' must be nodejs<major>.x or python3.<minor>, not '${complete.runtime}'.`,
    )
  }
  if (complete.layers.length > MAX_LAYERS) {
    throw new TetherError(
      'INVALID_OPTION',
      `'layers' of '${complete.name}' are ${complete.layers.length}; Lambda allows ${MAX_LAYERS}.`,
    )
  }
  return complete
}

/** What runs functions of that runtime here; undefined where nothing does. */
export function runtimeFamily(runtime: string): 'node' | 'python' | undefined {
  if (/^nodejs\d+\.x$/.test(runtime)) return 'node'
  return /^python3\.\d+$/.test(runtime) ? 'python' : undefined
}

function checkRange(option: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return
  throw new TetherError(
    'INVALID_OPTION',
    `'${option}' must be a whole number from ${min} to ${max}, not ${value}.`,
  )
}
