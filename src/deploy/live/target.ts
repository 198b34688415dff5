import { NODE_RUNTIME } from '../runtimes.js'
import type { FunctionFacts, LiveMode, Snapshot } from '../snapshot/snapshot.js'
import { LAYER_WRAPPER } from '../zip/layer.js'
import { type Configuration, isSame } from './function.js'

/** The prefix of all our variables. */
export const VARIABLE_PREFIX = 'LAMBDA_TETHER_'
/** Marks a function as live, and names the snapshot to restore it from. */
export const SNAPSHOT_VARIABLE = 'LAMBDA_TETHER_SNAPSHOT'
/** The end of being live, in Unix milliseconds. */
export const LIVE_UNTIL_VARIABLE = 'LAMBDA_TETHER_LIVE_UNTIL'
/** The function's original wrapper, which our wrapper runs. */
export const CHAINED_VARIABLE = 'LAMBDA_TETHER_EXEC_WRAPPER'
/** Names a function's wrapper script. */
export const WRAPPER_VARIABLE = 'AWS_LAMBDA_EXEC_WRAPPER'

/** Variables that refer to files in the function's code or layers, which are absent while both are replaced. */
const OF_THE_CODE: readonly string[] = [WRAPPER_VARIABLE, 'NODE_OPTIONS']
/** The handler in the stub's zip. */
const STUB_HANDLER = 'index.handler'

/** The settings of a live function. */
export interface LiveSettings {
  readonly mode: LiveMode
  /** The stub's variables, except `LAMBDA_TETHER_SNAPSHOT` and `LAMBDA_TETHER_EXEC_WRAPPER`. */
  readonly variables: Readonly<Record<string, string>>
  /** The minimum for its time-out. */
  readonly timeoutSeconds?: number
  /** The prefix of our layers' names, for this application and stage. */
  readonly layerPrefix: string
  /** ARN of the layer's version, for `wrap`. */
  readonly layerArn?: string
}

/** Returns the Node release of a runtime; undefined for another language. */
export function nodeRelease(runtime: string): number | undefined {
  const release = /^nodejs(\d+)\.x$/.exec(runtime)?.[1]
  return release === undefined ? undefined : Number(release)
}

/** Returns the variables that start OpenTelemetry in a function, by their names when it is not live. */
export function openTelemetryVariables(environment: Readonly<Record<string, string>>): string[] {
  const own: Record<string, string | undefined> = {
    ...environment,
    [WRAPPER_VARIABLE]: environment[CHAINED_VARIABLE] ?? environment[WRAPPER_VARIABLE],
  }
  return OF_THE_CODE.filter((name) => /otel|opentelemetry/i.test(own[name] ?? ''))
}

/** Returns the variables that are not ours. */
function ownVariables(environment: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter(
      ([name, value]) =>
        !name.startsWith(VARIABLE_PREFIX) && !(name === WRAPPER_VARIABLE && value === LAYER_WRAPPER),
    ),
  )
}

/** Returns the stub's variables, without variables that differ between functions. */
export function variablesOfOurs(environment: Readonly<Record<string, string>>): Record<string, string> {
  const apart = [SNAPSHOT_VARIABLE, CHAINED_VARIABLE]
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => name.startsWith(VARIABLE_PREFIX) && !apart.includes(name)),
  )
}

/** Whether a layer version is ours. */
export function isOurLayer(arn: string, layerPrefix: string): boolean {
  return arn.split(':')[6]?.startsWith(layerPrefix) === true
}

/** Returns runtime and handler of a stub that replaces the function's own code. */
export function stubRuntime({ runtime }: Pick<FunctionFacts, 'runtime'>) {
  const release = nodeRelease(runtime)
  return { runtime: release !== undefined && release >= 20 ? runtime : NODE_RUNTIME, handler: STUB_HANDLER }
}

/** Returns the raised time-out of a function; empty if its own is long enough. */
export function raisedTimeouts(
  now: FunctionFacts,
  snapshot: Pick<Snapshot, 'original' | 'live'>,
  { timeoutSeconds = 0 }: Pick<LiveSettings, 'timeoutSeconds'>,
): number[] {
  return timeoutSeconds > ownTimeout(now, snapshot) ? [timeoutSeconds] : []
}

/** Returns the configuration of a live function, based on its present one. Keeps changes by others. */
export function liveConfiguration(
  now: FunctionFacts,
  snapshot: Pick<Snapshot, 'id' | 'original' | 'live'>,
  settings: LiveSettings,
): Configuration {
  const own = ownVariables(now.environment)
  const ours = { ...settings.variables, [SNAPSHOT_VARIABLE]: snapshot.id }
  const [timeoutSeconds = ownTimeout(now, snapshot)] = raisedTimeouts(now, snapshot, settings)
  if (settings.mode === 'replace') {
    const { runtime, handler } = snapshot.live
    const environment = { ...without(own, OF_THE_CODE), ...ours }
    return { runtime, handler, layers: [], timeoutSeconds, environment }
  }
  const chained = own[WRAPPER_VARIABLE] ?? now.environment[CHAINED_VARIABLE]
  return {
    runtime: now.runtime,
    handler: now.handler,
    layers: [
      ...now.layers.filter((arn) => !isOurLayer(arn, settings.layerPrefix)),
      ...(settings.layerArn === undefined ? [] : [settings.layerArn]),
    ],
    timeoutSeconds,
    environment: {
      ...own,
      [WRAPPER_VARIABLE]: LAYER_WRAPPER,
      ...ours,
      ...(chained !== undefined && { [CHAINED_VARIABLE]: chained }),
    },
  }
}

/** Returns a function's configuration without our parts. Keeps changes that others made meanwhile. */
export function restoredConfiguration(
  now: FunctionFacts,
  { mode, original, live }: Pick<Snapshot, 'mode' | 'original' | 'live'>,
  layerPrefix: string,
): Configuration {
  const own = ownVariables(now.environment)
  const back = Object.entries(original.environment).filter(([name]) => removed(now, mode).includes(name))
  const layers = now.layers.filter((arn) => !isOurLayer(arn, layerPrefix))
  const replaced = mode === 'replace'
  return {
    runtime: replaced && now.runtime === live.runtime ? original.runtime : now.runtime,
    handler: replaced && now.handler === live.handler ? original.handler : now.handler,
    layers: replaced && layers.length === 0 ? original.layers : layers,
    timeoutSeconds: ownTimeout(now, { original, live }),
    environment: { ...own, ...Object.fromEntries(back) },
  }
}

/**
 * Whether a function still has parts of a snapshot: the snapshot's name, or the remains after a deployment removed the
 * name. A stub that was deployed in another way has variables but no snapshot's name: it is not ours.
 */
export function isTouched(
  now: FunctionFacts,
  snapshot: Pick<Snapshot, 'id' | 'original' | 'live'>,
  layerPrefix: string,
): boolean {
  const names = Object.keys(now.environment).filter((name) => name.startsWith(VARIABLE_PREFIX))
  if (names.includes(SNAPSHOT_VARIABLE)) return now.environment[SNAPSHOT_VARIABLE] === snapshot.id
  if (names.length > 0) return false
  return hasStub(now, snapshot) || now.layers.some((arn) => isOurLayer(arn, layerPrefix))
}

/** Whether a function's code is a stub from this snapshot. */
export function hasStub(
  { codeSha256 }: FunctionFacts,
  { original, live }: Pick<Snapshot, 'original' | 'live'>,
): boolean {
  return codeSha256 !== original.codeSha256 && live.codeSha256.includes(codeSha256)
}

/** Whether a function's code is its original, or a stub from this snapshot. */
export function isKnownCode(now: FunctionFacts, snapshot: Pick<Snapshot, 'original' | 'live'>): boolean {
  return now.codeSha256 === snapshot.original.codeSha256 || hasStub(now, snapshot)
}

/** Returns the names of facts and variables that differ from the snapshot; empty after a complete restore. */
export function deviations(now: FunctionFacts, original: FunctionFacts): string[] {
  const { environment: variables, ...facts } = original
  const names = new Set([...Object.keys(variables), ...Object.keys(now.environment)])
  return [
    ...Object.keys(facts).filter(
      (name) => !isSame(now[name as keyof typeof facts], facts[name as keyof typeof facts]),
    ),
    ...[...names].filter((name) => now.environment[name] !== variables[name]).sort(),
  ]
}

// The user's variables that we removed, unless others have removed them since.
function removed(now: FunctionFacts, mode: LiveMode): readonly string[] {
  if (mode === 'wrap') return now.environment[WRAPPER_VARIABLE] === LAYER_WRAPPER ? [WRAPPER_VARIABLE] : []
  const isLive = Object.hasOwn(now.environment, SNAPSHOT_VARIABLE)
  return isLive ? OF_THE_CODE.filter((name) => !Object.hasOwn(now.environment, name)) : []
}

// A time-out that was set under this snapshot is ours; any other is the user's.
function ownTimeout(now: FunctionFacts, { original, live }: Pick<Snapshot, 'original' | 'live'>): number {
  return live.timeoutSeconds.includes(now.timeoutSeconds) ? original.timeoutSeconds : now.timeoutSeconds
}

function without(environment: Record<string, string>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !names.includes(name)))
}
