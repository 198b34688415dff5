import { type Clock, systemClock } from '../core/base/clock.js'
import { delay } from '../core/base/delay.js'
import {
  checkClock,
  checkDuration,
  checkFunction,
  checkHttpUrl,
  checkSignal,
  checkText,
  listOf,
  wholeNumber,
  withMethods,
} from '../core/base/option-checks.js'
import { checkOptions, required } from '../core/base/options.js'
import { type AbortOptions, checkName, checkPart, checkTransport } from '../core/contracts/transport.js'
import { type SessionOptions, sessionKeys } from '../core/session/options.js'
import type { Session } from '../core/session/session.js'
import { checkRootKey } from '../core/wire/root-key.js'
import { type AccountOptions, accountChecks } from '../deploy/live/account.js'
import { bareName } from '../deploy/live/options.js'
import { DEFAULT_SESSION } from '../deploy/names.js'
import { type Connected, connectionChecks } from './connection-checks.js'
import { type Diagnosis, type DiagnosisCheck, diagnosisOf } from './diagnosis.js'
import { functionChecks } from './function-checks.js'
import { type NameToCheck, nameChecks } from './name-checks.js'
import { CheckRun } from './run-checks.js'
import { sessionFinding, stubsFinding } from './stub-checks.js'
import { teamFinding } from './team-check.js'

// No check depends on the identity, so the request to STS stops early and leaves the check time to report that.
const MAX_IDENTITY_MS = 5_000

/** Options of {@link diagnose}: the session's own, and optionally a function to check. */
export interface DiagnoseOptions
  extends Pick<SessionOptions, 'app' | 'stage' | 'name' | 'key' | 'keys' | 'transport'>,
    AccountOptions,
    AbortOptions {
  /**
   * An open session. Adds its counts of received invocations and dropped frames, and the members of its team.
   * @default none
   */
  readonly session?: (Pick<Session, 'stats'> & Partial<Pick<Session, 'team'>>) | undefined
  /**
   * A function's name or ARN. Checks whether its stub finds this session. Needs `@aws-sdk/client-lambda` and
   * `@aws-sdk/client-iam`.
   * @default none
   */
  readonly functionName?: string | undefined
  /** The session's id for that function. @default its name */
  readonly functionId?: string | undefined
  /**
   * A server to ask for the caller's identity in place of AWS's STS, such as the local cloud's.
   * @default the region's; none for a `ws://` endpoint
   */
  readonly stsEndpoint?: string | undefined
  /** How long to listen for stubs, in milliseconds. @default 2,000 */
  readonly listenMs?: number | undefined
  /** Limit for each check, in milliseconds. @default 15,000 */
  readonly checkTimeoutMs?: number | undefined
  /** Called after each check: some take seconds. */
  readonly onCheck?: ((check: DiagnosisCheck) => void) | undefined
  /** @default the machine's clock */
  readonly clock?: Clock | undefined
}

/**
 * Finds the reason why no invocation arrives. Checks everything from the credentials to the stubs on the broker; each
 * check depends on earlier ones. Changes nothing, takes no name and displaces no session. Reports problems as findings
 * and does not throw them.
 * @throws TetherError `INVALID_OPTION`, `ABORTED`
 */
export async function diagnose(options: DiagnoseOptions): Promise<Diagnosis> {
  checkOptions('diagnose', options, {
    app: required(checkPart),
    stage: required(checkPart),
    name: checkName,
    key: checkRootKey,
    keys: listOf('a list of keys, the newest first', checkRootKey),
    transport: required(checkTransport),
    session: withMethods('a session that createSession() made', 'stats'),
    functionName: checkText,
    functionId: checkText,
    stsEndpoint: checkHttpUrl,
    listenMs: checkDuration,
    checkTimeoutMs: wholeNumber(1),
    onCheck: checkFunction,
    clock: checkClock,
    signal: checkSignal,
    ...accountChecks,
  })
  const { app, stage, name = DEFAULT_SESSION, transport, functionName } = options
  const { clock = systemClock, checkTimeoutMs = 15_000, onCheck, signal } = options
  const keys = sessionKeys(options)
  const session = { app, stage, role: 'session', name } as const
  const run = new CheckRun({ clock, checkTimeoutMs, onCheck, signal })
  const { checks, phases } = transport.diagnosis?.({
    identityEndpoint: options.stsEndpoint,
    identityTimeoutMs: Math.min(MAX_IDENTITY_MS, checkTimeoutMs / 2),
  }) ?? { checks: [], phases: ['connect'] }
  for (const check of checks) await run.make(check)
  const needs = checks.map(({ id }) => id)
  const connected = await connectionChecks(run, { transport, keys, session, phases, needs })
  if (connected === undefined) {
    for (const id of ['presence', 'name', 'stubs']) run.skip(id, run.brokenOf([...needs, ...phases])!)
  } else {
    try {
      await listen(run, connected, { ...options, clock, keys, session })
    } finally {
      await connected.close()
    }
  }
  if (options.session !== undefined) run.tell('session', sessionFinding(options.session.stats()))
  const team = options.session?.team?.() ?? []
  if (team.length > 0) run.tell('team', teamFinding(team, options.session!.stats()))
  if (functionName !== undefined) {
    const { functionId = bareName(functionName) } = options
    const url = run.found('endpoint')?.details?.url as string | undefined
    const { region, credentials, lambdaEndpoint, iamEndpoint } = options
    await functionChecks(
      run,
      { region, credentials, lambdaEndpoint, iamEndpoint },
      { functionName, functionId, keys, session, transport: transport.name, url, now: clock.now() },
    )
  }
  return diagnosisOf(run.checks)
}

/** Listens for a while to retained messages and to the frames of stubs. */
async function listen(
  run: CheckRun,
  connected: Connected,
  { listenMs = 2_000, clock, signal, ...named }: NameToCheck & Listen,
): Promise<void> {
  const { copies, listening } = connected
  if (copies) await delay(listenMs, { clock, signal })
  await nameChecks(run, connected, named)
  if (copies) run.tell('stubs', stubsFinding(listening.heard, named.keys, listenMs))
  else {
    const seen = `${named.transport.name} gives no copies of what stubs send to a session.`
    const advice = "Pass the session that is open as 'session': it knows what it has dropped."
    run.tell('stubs', { outcome: 'unknown', seen, advice })
  }
}

type Listen = Pick<DiagnoseOptions, 'listenMs' | 'signal'> & { readonly clock: Clock }
