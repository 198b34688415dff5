import { createHash } from 'node:crypto'
import { type Clock, checkDuration, systemClock } from '../core/clock.js'
import { TetherError } from '../core/errors.js'
import type { AbortOptions } from '../core/transport.js'
import { type StubBundleName, stubBundle } from '../stub/bundle.js'
import { checkChoice } from '../stub/check-choice.js'
import { type StubEnvironmentOptions, stubEnvironment } from '../stub/configuration.js'
import type { AccountOptions } from './live-account.js'
import type { LiveMode, SnapshotStore } from './snapshot.js'

/** What the functions' stubs get to know; the rest follows from the other options. */
export type LiveStubOptions = Omit<
  StubEnvironmentOptions,
  'functionId' | 'mode' | 'liveUntil' | 'mirrorMaxBytes' | 'execWrapper'
>

/** A function by its name or its ARN, and what it alone has. Only `$LATEST` can be changed. */
export interface LiveFunction {
  readonly name: string
  /** What the session knows it as. @default its name */
  readonly functionId?: string
  /** @default that of all */
  readonly mode?: LiveMode
}

/** What going live and going back have in common. */
export interface LiveCommonOptions extends AccountOptions, AbortOptions {
  /** Where the functions' originals are kept meanwhile: `fileSnapshots()` or `s3Snapshots()`. */
  readonly snapshots: SnapshotStore
  /** How long Lambda may take for one update, in milliseconds. @default 300,000 */
  readonly updateTimeoutMs?: number
  readonly clock?: Clock
}

/** Options of `plan()` and `goLive()`. */
export interface LiveOptions extends LiveCommonOptions {
  readonly functions: readonly (string | LiveFunction)[]
  /** Which stub: what it speaks to. */
  readonly bundle: StubBundleName
  /** Whom the stub speaks to, and with which key. */
  readonly stub: LiveStubOptions
  /**
   * `wrap` keeps a Node function's code in place and runs it when nobody is there; `replace` puts the stub in the
   * place of any function's code.
   * @default `wrap` for Node functions, `replace` for others
   */
  readonly mode?: LiveMode
  /**
   * The function answers, and a copy of each event goes to the session; `wrap` only. Side effects happen twice.
   * @default false
   */
  readonly mirror?: boolean
  /** Larger events are mirrored without their body, in bytes. @default 100,000 */
  readonly mirrorMaxBytes?: number
  /**
   * Raises the time-outs to at least this, 1 to 900 seconds: how long local code, or you at a breakpoint, may take.
   * @default as they are
   */
  readonly timeoutSeconds?: number
  /**
   * How long the functions stay live by themselves, in milliseconds: then a wrapped one runs its own code, and a
   * replaced one fails and says so. Going live again prolongs it.
   * @default 86,400,000, a day
   */
  readonly liveForMs?: number
  /** Whether to add what the stub needs to the functions' roles, or only to return it. @default 'manage' */
  readonly policy?: 'manage' | 'print'
  /** A function in a VPC needs a way out to the broker, which cannot be seen from here. @default 'refuse' */
  readonly vpc?: 'refuse' | 'allow'
  /** When a function cannot go live: change none of them, or leave that one out. @default 'fail' */
  readonly onRefused?: 'fail' | 'skip'
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
}

const DAY_MS = 86_400_000
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const MAX_TIMEOUT_SECONDS = 900
const UPDATE_TIMEOUT_MS = 300_000

const OPTIONS: Readonly<Record<keyof LiveOptions, true>> = {
  functions: true,
  bundle: true,
  stub: true,
  mode: true,
  mirror: true,
  mirrorMaxBytes: true,
  timeoutSeconds: true,
  liveForMs: true,
  policy: true,
  vpc: true,
  onRefused: true,
  snapshots: true,
  updateTimeoutMs: true,
  clock: true,
  signal: true,
  region: true,
  credentials: true,
  lambdaEndpoint: true,
  iamEndpoint: true,
}

/** Checks the options by name and fills in the defaults. @throws TetherError `INVALID_OPTION` */
export function completeLiveOptions(options: LiveOptions): CompleteLiveOptions {
  const { functions, mode, timeoutSeconds, mirror = false, mirrorMaxBytes } = options ?? {}
  const unknown = Object.keys(options ?? {}).find((name) => !Object.hasOwn(OPTIONS, name))
  if (unknown !== undefined)
    wrong(`There is no option '${unknown}'; there are ${Object.keys(OPTIONS).join(', ')}.`)
  if (!Array.isArray(functions) || functions.length === 0)
    wrong("'functions' must name at least one function.")
  const specs = functions.map((one: string | LiveFunction) => (typeof one === 'string' ? { name: one } : one))
  for (const { name, mode } of specs) {
    checkFunctionName(name)
    if (mode !== undefined) checkChoice(`mode' of '${name}`, mode, ['wrap', 'replace'])
  }
  const names = specs.map(({ name }) => bareName(name))
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) wrong(`'functions' has '${twice}' twice.`)
  if (mode !== undefined) checkChoice('mode', mode, ['wrap', 'replace'])
  for (const [name, value, choices] of [
    ['policy', options.policy, ['manage', 'print']],
    ['vpc', options.vpc, ['refuse', 'allow']],
    ['onRefused', options.onRefused, ['fail', 'skip']],
  ] as const) {
    if (value !== undefined) checkChoice(name, value, choices)
  }
  const seconds = timeoutSeconds ?? 1
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > MAX_TIMEOUT_SECONDS) {
    wrong(`'timeoutSeconds' must be a whole number from 1 to ${MAX_TIMEOUT_SECONDS}, not ${timeoutSeconds}.`)
  }
  if (mirrorMaxBytes !== undefined && !(Number.isInteger(mirrorMaxBytes) && mirrorMaxBytes >= 0)) {
    wrong(`'mirrorMaxBytes' must be a whole number of bytes, not ${mirrorMaxBytes}.`)
  }
  // Both say by name what is wrong with theirs.
  stubBundle(options.bundle)
  stubEnvironment(options.stub)
  return {
    ...options,
    ...checkCommonOptions(options),
    specs,
    mirror,
    liveForMs: checkDuration('liveForMs', options.liveForMs ?? DAY_MS),
    policy: options.policy ?? 'manage',
    vpc: options.vpc ?? 'refuse',
    onRefused: options.onRefused ?? 'fail',
  }
}

/** @throws TetherError `INVALID_OPTION` */
export function checkCommonOptions({ snapshots, clock = systemClock, updateTimeoutMs }: LiveCommonOptions) {
  if (typeof snapshots?.put !== 'function') {
    wrong("'snapshots' must be a place for snapshots: fileSnapshots(folder) or s3Snapshots({ bucket }).")
  }
  return { clock, updateTimeoutMs: checkDuration('updateTimeoutMs', updateTimeoutMs ?? UPDATE_TIMEOUT_MS) }
}

/** A name or an ARN without a version or an alias. @throws TetherError `INVALID_OPTION` */
export function checkFunctionName(name: unknown): void {
  if (
    typeof name === 'string' &&
    /^(?:arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:function:)?[A-Za-z0-9_-]{1,64}$/.test(name)
  )
    return
  wrong(
    `'functions' takes names or ARNs without a version or an alias, as only $LATEST can be changed; not '${String(name)}'.`,
  )
}

/** The name alone. */
export function bareName(nameOrArn: string): string {
  return nameOrArn.slice(nameOrArn.lastIndexOf(':') + 1)
}

/** What the names of our layers begin with; what follows is the bundle's name. */
export function layerPrefixOf({ app, stage }: { readonly app: string; readonly stage: string }): string {
  return `lambda-tether-${readable(app)}-${readable(stage)}-${shortHash(app, stage)}-`
}

/** The name of the inline policy of a role, one for each session of an application and stage. */
export function policyNameOf({
  app,
  stage,
  session = 'default',
}: Pick<LiveStubOptions, 'app' | 'stage' | 'session'>): string {
  return `lambda-tether-${readable(app)}-${readable(stage)}-${shortHash(app, stage, session)}`
}

function readable(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9]+/g, '-').slice(0, 32)
}

function shortHash(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 8)
}

function wrong(message: string): never {
  throw new TetherError('INVALID_OPTION', message)
}
