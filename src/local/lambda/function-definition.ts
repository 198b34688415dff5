import { type Complete, defined } from '../../core/base/defined.js'
import { checkPathText, listOf, matching, wholeNumber } from '../../core/base/option-checks.js'
import { checkOptions, invalidOption, mustBe, required } from '../../core/base/options.js'
import { checkCredentials } from '../option-checks.js'
import { type AsynchronousOptions, checkAsynchronous } from './asynchronous/options.js'
import { checkUserEnvironment } from './variables.js'

/** AWS credentials of a function or a client of the local cloud. */
export interface LocalCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** A function of the local Lambda host, with the names and limits of Lambda's own configuration. */
export interface FunctionDefinition {
  /** 1 to 64 letters, digits, `-` or `_`. */
  readonly name: string
  /**
   * A folder, as an unpacked zip; or one `.js`, `.mjs`, `.cjs` or `.py` file, which is placed where `handler` expects
   * it.
   */
  readonly bundle: string
  /**
   * `nodejs<major>.x` or `python3.<minor>`, as on Lambda: this machine's Node or Python runs it, regardless of the
   * version.
   * @default this Node's
   */
  readonly runtime?: string | undefined
  /** Folders, as unpacked layers, at most five; merged in order into the folder that replaces `/opt`. @default none */
  readonly layers?: readonly string[] | undefined
  /** @default 'index.handler' */
  readonly handler?: string | undefined
  /** At most 4 KB in all; names that Lambda reserves are refused. */
  readonly environment?: Readonly<Record<string, string>> | undefined
  /** 1 to 900,000. Lambda itself counts whole seconds. @default 3000 */
  readonly timeoutMs?: number | undefined
  /** 128 to 10,240. V8's heap is limited to nine tenths of it. @default 128 */
  readonly memoryMb?: number | undefined
  /** Most execution environments at once; further invocations are throttled. @default 100 */
  readonly reservedConcurrency?: number | undefined
  /** Path of the Node that runs it. @default process.execPath */
  readonly nodePath?: string | undefined
  /** Path of the Python that runs it. @default 'python3' */
  readonly pythonPath?: string | undefined
  /** Credentials of the function's role. @default the host's */
  readonly credentials?: LocalCredentials | undefined
  /** Retries and destinations of asynchronous events. @default two retries, six hours, no destinations */
  readonly asynchronous?: AsynchronousOptions | undefined
}

/** A definition with its defaults filled in. */
export type CompleteDefinition = Complete<Omit<FunctionDefinition, 'credentials'>> &
  Pick<FunctionDefinition, 'credentials'>

const DEFAULTS = {
  handler: 'index.handler',
  environment: {},
  layers: [],
  timeoutMs: 3000,
  memoryMb: 128,
  reservedConcurrency: 100,
  pythonPath: 'python3',
  asynchronous: {},
}
/** Most layers of one function. */
export const MAX_LAYERS = 5

/**
 * Checks a definition as Lambda's CreateFunction does.
 * @throws TetherError `INVALID_OPTION` by name
 */
export function completeDefinition(definition: FunctionDefinition): CompleteDefinition {
  checkOptions('function', definition, {
    name: required(matching(/^[A-Za-z0-9_-]{1,64}$/, "1 to 64 letters, digits, '-' or '_'")),
    bundle: required(checkPathText),
    runtime: (name, value) => {
      const holds = typeof value === 'string' && runtimeFamily(value) !== undefined
      mustBe('nodejs<major>.x or python3.<minor>', holds, name, value)
    },
    layers: listOf('a list of folders', checkPathText),
    handler: matching(/^(?!.*\.\.)\S*\.[^\s/]+$/, "'file.export'"),
    environment: checkUserEnvironment,
    timeoutMs: wholeNumber(1, 900_000),
    memoryMb: wholeNumber(128, 10_240),
    reservedConcurrency: wholeNumber(0, 1000),
    nodePath: checkPathText,
    pythonPath: checkPathText,
    credentials: checkCredentials,
    asynchronous: checkAsynchronous,
  })
  const runtime = `nodejs${process.versions.node.split('.')[0]}.x`
  const complete = { ...DEFAULTS, runtime, nodePath: process.execPath, ...defined(definition) }
  const { length } = complete.layers
  if (length > MAX_LAYERS)
    throw invalidOption('layers', `of '${complete.name}' are ${length}; Lambda allows ${MAX_LAYERS}`)
  return complete
}

/** Returns the family of a runtime, or undefined if this host cannot run it. */
export function runtimeFamily(runtime: string): 'node' | 'python' | undefined {
  if (/^nodejs\d+\.x$/.test(runtime)) return 'node'
  return /^python3\.\d+$/.test(runtime) ? 'python' : undefined
}
