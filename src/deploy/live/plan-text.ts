import { printable } from '../../core/base/printable.js'
import { codeHash, type FunctionFacts, type LiveMode } from '../snapshot/snapshot.js'
import type { Configuration } from './function.js'
import type { RolePolicy } from './policy.js'

/** The changes that `goLive()` with the same options would make. */
export interface LivePlan {
  readonly functions: readonly FunctionPlan[]
  /** The inline policies that the functions' roles need; `goLive()` adds them unless `policy` is `print`. */
  readonly policies: readonly RolePolicy[]
  /** The layer of wrapped functions. Published unless a version with these bytes exists. */
  readonly layer?: { readonly name: string; readonly bytes: number; readonly present: boolean }
  /** The sessions that the functions know. A session with any other name receives nothing. */
  readonly sessions: readonly string[]
  /** The whole plan as text; without values of variables. */
  toString(): string
}

/** The planned changes to one function. */
export interface FunctionPlan {
  readonly functionName: string
  readonly mode: LiveMode
  /** `update`: it is live and gets other settings. `none`: it is live with these settings. */
  readonly action: 'go-live' | 'update' | 'none' | 'refuse'
  /** Reasons why it cannot go live, each with a remedy. */
  readonly refusals: readonly string[]
  readonly warnings: readonly string[]
  readonly changes: readonly PlannedChange[]
}

/** One thing that would change. */
export interface PlannedChange {
  readonly what: 'code' | 'runtime' | 'handler' | 'layers' | 'timeoutSeconds' | 'environment'
  readonly from: string
  readonly to: string
}

/** Describes the changes to one function. Only names variables: values are secrets. */
export function planChanges(
  now: FunctionFacts,
  change: Partial<Configuration>,
  mode: LiveMode,
  stubZip: Uint8Array,
): PlannedChange[] {
  const changes: PlannedChange[] = []
  const hash = codeHash(stubZip)
  if (mode === 'replace' && now.codeSha256 !== hash) {
    changes.push({
      what: 'code',
      from: `${now.codeBytes} bytes, ${now.codeSha256}`,
      to: `${stubZip.length} bytes, ${hash}`,
    })
  }
  for (const what of ['runtime', 'handler', 'timeoutSeconds'] as const) {
    if (change[what] !== undefined) changes.push({ what, from: String(now[what]), to: String(change[what]) })
  }
  if (change.layers !== undefined) {
    changes.push({ what: 'layers', from: listed(now.layers), to: listed(change.layers) })
  }
  if (change.environment !== undefined) {
    const { environment } = change
    const gone = Object.keys(now.environment).filter((name) => !Object.hasOwn(environment, name))
    const set = Object.keys(environment).filter((name) => now.environment[name] !== environment[name])
    changes.push({ what: 'environment', from: `without ${listed(gone)}`, to: `with ${listed(set)}` })
  }
  return changes
}

// Enough for the names in 4 KB of variables, and as many added ones.
const MAX_LINE_CHARACTERS = 10_000

/** Formats a plan for people. */
export function planText({ functions, policies, layer, sessions }: Omit<LivePlan, 'toString'>): string {
  const lines = functions.flatMap(functionLines)
  if (layer !== undefined) {
    const what = layer.present ? 'is there' : `is to be published, ${layer.bytes} bytes`
    lines.push(`Layer ${layer.name} ${what}.`)
  }
  for (const { roleName, policyName, document } of policies) {
    const actions = document.Statement.map(({ Action }) => Action)
    lines.push(`Role ${roleName} needs inline policy ${policyName}: ${[...new Set(actions)].join(', ')}.`)
  }
  if (sessions.length > 1)
    lines.push(`The stage is shared by sessions ${sessions.join(', ')}. One of any other name hears nothing.`)
  // Names, reasons and tags come from the account: control characters in them must not reach a terminal.
  return lines.map((line) => printable(line, MAX_LINE_CHARACTERS)).join('\n')
}

const ACTIONS: Readonly<Record<FunctionPlan['action'], string>> = {
  'go-live': 'goes live',
  update: 'is live and gets other settings',
  none: 'is live as it should be',
  refuse: 'cannot go live',
}

function functionLines({ functionName, mode, action, refusals, warnings, changes }: FunctionPlan): string[] {
  return [
    `${functionName} ${ACTIONS[action]}${action === 'refuse' ? '' : ` (${mode})`}`,
    ...refusals.map((reason) => `  refused: ${reason}`),
    ...changes.map(({ what, from, to }) => `  ${what}: ${from} → ${to}`),
    ...warnings.map((warning) => `  note: ${warning}`),
  ]
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ')
}
