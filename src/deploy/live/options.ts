import { type Clock, systemClock } from '../../core/base/clock.js'
import { TetherError } from '../../core/base/errors.js'
import {
  checkClock,
  checkDuration,
  checkFlag,
  checkSignal,
  checkText,
  listOf,
  matching,
  oneOf,
  wholeNumber,
  withMethods,
} from '../../core/base/option-checks.js'
import {
  type Check,
  checkOptions,
  fields,
  invalidOption,
  isObject,
  optionsOf,
  required,
} from '../../core/base/options.js'
import type { AbortOptions } from '../../core/contracts/transport.js'
import { checkRootKey, rootKey } from '../../core/wire/root-key.js'
import { checkAddress } from '../../stub/address.js'
import { STUB_BUNDLES, type StubBundleName } from '../../stub/bundle.js'
import { type StubEnvironmentOptions, stubEnvironment } from '../../stub/configuration.js'
import { ANY_FUNCTION_ID } from '../../stub/key.js'
import type { LiveMode, SnapshotStore } from '../snapshot/snapshot.js'
import { type AccountOptions, accountChecks } from './account.js'

/** Options of the functions' stubs. The omitted ones follow from the other options. */
export type LiveStubOptions = Omit<
  StubEnvironmentOptions,
  'functionId' | 'mode' | 'liveUntil' | 'mirrorMaxBytes' | 'execWrapper' | 'streaming'
>

/** A function by name or ARN, with its own settings. Only `$LATEST` can be changed. */
export interface LiveFunction {
  readonly name: string
  /** The session's id for the function, which its stub's key is derived from. @default its name */
  readonly functionId?: string | undefined
  /** @default the common `mode` */
  readonly mode?: LiveMode | undefined
  /**
   * Whether the function streams its responses while its code is replaced. Set it for an API with a streaming
   * integration. For a wrapped function, its own handler decides.
   * @default whether its URL has the invoke mode `RESPONSE_STREAM`
   */
  readonly streaming?: boolean | undefined
}

/** A session's key from `generateKey()`, or several. */
export type RootKeys = string | Uint8Array | readonly (string | Uint8Array)[]

/** Options common to going live and restoring. */
export interface LiveCommonOptions extends AccountOptions, AbortOptions {
  /** The store that keeps the functions' originals: `fileSnapshots()` or `s3Snapshots()`. */
  readonly snapshots: SnapshotStore
  /**
   * Keys that authenticate snapshots, in addition to `stub.key`: one, or also the previous ones during a key rotation.
   * Without `key` and `stub.key`, restoring checks the form of a snapshot but not its author.
   */
  readonly key?: RootKeys | undefined
  /** As for going live; restoring uses only its `key`. */
  readonly stub?: Pick<LiveStubOptions, 'key'> | undefined
  /** Limit for one update by Lambda, in milliseconds. @default 300,000 */
  readonly updateTimeoutMs?: number | undefined
  readonly clock?: Clock | undefined
}

/** Options of `plan()` and `goLive()`. */
export interface LiveOptions extends LiveCommonOptions {
  readonly functions: readonly (string | LiveFunction)[]
  /** The stub's bundle, which fixes its transport. */
  readonly bundle: StubBundleName
  /** The stub's connection, and the session's key, from which each function's key is derived. */
  readonly stub: LiveStubOptions
  /**
   * `wrap` keeps a Node function's code in place and runs it while no session is open; `replace` swaps the code of any
   * function for the stub.
   * @default `wrap` for Node functions, `replace` for others
   */
  readonly mode?: LiveMode | undefined
  /**
   * The function itself answers, and each event is copied to the session; `wrap` only. Side effects happen twice.
   * @default false
   */
  readonly mirror?: boolean | undefined
  /** Events above this size are mirrored without their body, in bytes. @default 100,000 */
  readonly mirrorMaxBytes?: number | undefined
  /**
   * Raises time-outs to at least this, 1 to 900 seconds: the time for local code, or for you at a breakpoint.
   * @default no change
   */
  readonly timeoutSeconds?: number | undefined
  /**
   * How long the functions stay live, in milliseconds. Afterwards, a wrapped function runs its own code, and a replaced
   * one fails with an explanation. Going live again extends the time.
   * @default 86,400,000, a day
   */
  readonly liveForMs?: number | undefined
  /** Whether to add the stub's policy to the functions' roles, or only to return it. @default 'manage' */
  readonly policy?: 'manage' | 'print' | undefined
  /**
   * Whether to accept functions in a VPC. They need a route to the broker, which this call cannot check.
   * @default 'refuse'
   */
  readonly vpc?: 'refuse' | 'allow' | undefined
  /** If a function cannot go live: change no function, or skip that one. @default 'fail' */
  readonly onRefused?: 'fail' | 'skip' | undefined
}

/** Options with defaults filled in. */
export interface CompleteLiveOptions extends LiveOptions {
  readonly specs: readonly LiveFunction[]
  readonly mirror: boolean
  readonly liveForMs: number
  readonly policy: 'manage' | 'print'
  readonly vpc: 'refuse' | 'allow'
  readonly onRefused: 'fail' | 'skip'
  readonly updateTimeoutMs: number
  readonly clock: Clock
  /** The root keys. The stub's key is first and authenticates new snapshots. */
  readonly roots: readonly Uint8Array[]
}

const NOT_OF_STUB: readonly string[] = [
  'functionId',
  'mode',
  'liveUntil',
  'mirrorMaxBytes',
  'execWrapper',
  'streaming',
]
const DAY_MS = 86_400_000
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const MAX_TIMEOUT_SECONDS = 900
const UPDATE_TIMEOUT_MS = 300_000

const MODES = oneOf('wrap', 'replace')

const checkFunctionName = matching(
  /^(?:arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:function:)?[A-Za-z0-9_-]{1,64}$/,
  "a function's name, or its ARN without a version or an alias, as only $LATEST can be changed",
)

const checkOwnId: Check = (name, value) => {
  checkText(name, value)
  if (value === ANY_FUNCTION_ID)
    throw invalidOption(
      name,
      "must be the function's own, as each gets its own key: leave it out for its name",
    )
}

const checkFunction: Check = (name, value) =>
  (isObject(value)
    ? optionsOf<LiveFunction>({
        name: required(checkFunctionName),
        functionId: checkOwnId,
        mode: MODES,
        streaming: checkFlag,
      })
    : checkFunctionName)(name, value)

const checkKeys: Check = (name, value) => {
  if (!Array.isArray(value)) return checkRootKey(name, value)
  if (value.length === 0) throw invalidOption(name, 'must be a key, or a list of keys that is not empty')
  for (const [at, one] of value.entries()) checkRootKey(`${name}[${at}]`, one)
}

/** A check for each of {@link LiveOptions}. The caller marks the required ones: restoring needs fewer. */
export const liveChecks = {
  functions: listOf("a list of functions' names", checkFunction),
  bundle: oneOf(...STUB_BUNDLES),
  stub: fields('what stubEnvironment() takes', { key: checkRootKey }),
  key: checkKeys,
  mode: MODES,
  mirror: checkFlag,
  mirrorMaxBytes: wholeNumber(0),
  timeoutSeconds: wholeNumber(1, MAX_TIMEOUT_SECONDS),
  liveForMs: checkDuration,
  policy: oneOf('manage', 'print'),
  vpc: oneOf('refuse', 'allow'),
  onRefused: oneOf('fail', 'skip'),
  snapshots: required(
    withMethods(
      'a place for snapshots: fileSnapshots(folder) or s3Snapshots({ bucket })',
      'put',
      'get',
      'delete',
      'list',
    ),
  ),
  updateTimeoutMs: checkDuration,
  clock: checkClock,
  signal: checkSignal,
  ...accountChecks,
}

/** Checks the options by name and fills in the defaults. @throws TetherError `INVALID_OPTION` */
export function completeLiveOptions(factory: string, options: LiveOptions): CompleteLiveOptions {
  checkOptions(factory, options, {
    ...liveChecks,
    functions: required(liveChecks.functions),
    bundle: required(liveChecks.bundle),
    stub: required(liveChecks.stub),
  })
  const specs = options.functions.map((one) => (typeof one === 'string' ? { name: one } : one))
  if (specs.length === 0) throw invalidOption('functions', 'must name at least one function')
  const names = specs.map(({ name }) => bareName(name))
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) throw invalidOption('functions', `has '${twice}' twice`)
  const elsewhere = NOT_OF_STUB.find((name) => Object.hasOwn(options.stub, name))
  if (elsewhere !== undefined) {
    const problem = `follows from ${factory}()'s own options: mirror, mirrorMaxBytes, liveForMs, functions`
    throw invalidOption(`stub.${elsewhere}`, problem)
  }
  checkStub(() => {
    stubEnvironment({ ...options.stub, functionId: names[0] as string })
    checkAddress(options.stub, options.bundle)
  })
  return {
    ...options,
    ...patience(options),
    roots: rootsOf(options),
    specs,
    mirror: options.mirror ?? false,
    liveForMs: options.liveForMs ?? DAY_MS,
    policy: options.policy ?? 'manage',
    vpc: options.vpc ?? 'refuse',
    onRefused: options.onRefused ?? 'fail',
  }
}

/** Adds the prefix `stub.` to the option's name in an error of the stub's checks: `stub.app`. */
function checkStub(check: () => unknown): void {
  try {
    check()
  } catch (error) {
    if (!(error instanceof TetherError)) throw error
    throw new TetherError(error.code, error.message.replace(/^'/, "'stub."), { cause: error })
  }
}

/** Returns the root keys of a call, the stub's first. */
export function rootsOf({ stub, key = [] }: Pick<LiveCommonOptions, 'stub' | 'key'>): Uint8Array[] {
  const keys = [stub?.key ?? [], key].flat() as (string | Uint8Array)[]
  return keys.map((one) => rootKey('key', one))
}

/** Returns the clock, and the limit for one update. */
export function patience({ clock = systemClock, updateTimeoutMs = UPDATE_TIMEOUT_MS }: LiveCommonOptions) {
  return { clock, updateTimeoutMs }
}

/** Returns a function's name without the rest of its ARN. */
export function bareName(nameOrArn: string): string {
  return nameOrArn.slice(nameOrArn.lastIndexOf(':') + 1)
}
