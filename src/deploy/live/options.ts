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

/** What the functions' stubs get to know; the rest follows from the other options. */
export type LiveStubOptions = Omit<
  StubEnvironmentOptions,
  'functionId' | 'mode' | 'liveUntil' | 'mirrorMaxBytes' | 'execWrapper' | 'streaming'
>

/** A function by its name or its ARN, and what it alone has. Only `$LATEST` can be changed. */
export interface LiveFunction {
  readonly name: string
  /** What the session knows it as, which its stub's key is derived for. @default its name */
  readonly functionId?: string | undefined
  /** @default that of all */
  readonly mode?: LiveMode | undefined
  /**
   * Whether it streams its responses where its code is replaced: to be set for an API whose integration streams. Where it is wrapped its own
   * handler tells.
   * @default whether its URL has the invoke mode `RESPONSE_STREAM`
   */
  readonly streaming?: boolean | undefined
}

/** A session's key, or several: what `generateKey()` made. */
export type RootKeys = string | Uint8Array | readonly (string | Uint8Array)[]

/** What going live and going back have in common. */
export interface LiveCommonOptions extends AccountOptions, AbortOptions {
  /** Where the functions' originals are kept meanwhile: `fileSnapshots()` or `s3Snapshots()`. */
  readonly snapshots: SnapshotStore
  /**
   * Keys that authenticate snapshots beside `stub.key`: one, or those before it while a key is rotated. Going back with
   * neither, a snapshot's form is checked, and not who wrote it.
   */
  readonly key?: RootKeys | undefined
  /** As for going live; going back uses its `key` alone. */
  readonly stub?: Pick<LiveStubOptions, 'key'> | undefined
  /** How long Lambda may take for one update, in milliseconds. @default 300,000 */
  readonly updateTimeoutMs?: number | undefined
  readonly clock?: Clock | undefined
}

/** Options of `plan()` and `goLive()`. */
export interface LiveOptions extends LiveCommonOptions {
  readonly functions: readonly (string | LiveFunction)[]
  /** Which stub: what it speaks to. */
  readonly bundle: StubBundleName
  /** Whom the stub speaks to, and the session's key, from which each function's own is derived. */
  readonly stub: LiveStubOptions
  /**
   * `wrap` keeps a Node function's code in place and runs it when nobody is there; `replace` puts the stub in the
   * place of any function's code.
   * @default `wrap` for Node functions, `replace` for others
   */
  readonly mode?: LiveMode | undefined
  /**
   * The function answers, and a copy of each event goes to the session; `wrap` only. Side effects happen twice.
   * @default false
   */
  readonly mirror?: boolean | undefined
  /** Larger events are mirrored without their body, in bytes. @default 100,000 */
  readonly mirrorMaxBytes?: number | undefined
  /**
   * Raises the time-outs to at least this, 1 to 900 seconds: how long local code, or you at a breakpoint, may take.
   * @default as they are
   */
  readonly timeoutSeconds?: number | undefined
  /**
   * How long the functions stay live by themselves, in milliseconds: then a wrapped one runs its own code, and a
   * replaced one fails and says so. Going live again prolongs it.
   * @default 86,400,000, a day
   */
  readonly liveForMs?: number | undefined
  /** Whether to add what the stub needs to the functions' roles, or only to return it. @default 'manage' */
  readonly policy?: 'manage' | 'print' | undefined
  /** A function in a VPC needs a way out to the broker, which cannot be seen from here. @default 'refuse' */
  readonly vpc?: 'refuse' | 'allow' | undefined
  /** When a function cannot go live: change none of them, or leave that one out. @default 'fail' */
  readonly onRefused?: 'fail' | 'skip' | undefined
}

/** Options whose defaults are filled in. */
export interface CompleteLiveOptions extends LiveOptions {
  readonly specs: readonly LiveFunction[]
  readonly mirror: boolean
  readonly liveForMs: number
  readonly policy: 'manage' | 'print'
  readonly vpc: 'refuse' | 'allow'
  readonly onRefused: 'fail' | 'skip'
  readonly updateTimeoutMs: number
  readonly clock: Clock
  /** The stub's first, which authenticates what is written. */
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

/** A check for each of {@link LiveOptions}; which must be given is for who takes them: going back has no use for some. */
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

/** What is wrong with an option of the stub's is told by its name here: `stub.app`. */
function checkStub(check: () => unknown): void {
  try {
    check()
  } catch (error) {
    if (!(error instanceof TetherError)) throw error
    throw new TetherError(error.code, error.message.replace(/^'/, "'stub."), { cause: error })
  }
}

/** The root keys that a call has, the stub's first. */
export function rootsOf({ stub, key = [] }: Pick<LiveCommonOptions, 'stub' | 'key'>): Uint8Array[] {
  const keys = [stub?.key ?? [], key].flat() as (string | Uint8Array)[]
  return keys.map((one) => rootKey('key', one))
}

/** How long to wait, and by which clock. */
export function patience({ clock = systemClock, updateTimeoutMs = UPDATE_TIMEOUT_MS }: LiveCommonOptions) {
  return { clock, updateTimeoutMs }
}

/** The name alone. */
export function bareName(nameOrArn: string): string {
  return nameOrArn.slice(nameOrArn.lastIndexOf(':') + 1)
}
