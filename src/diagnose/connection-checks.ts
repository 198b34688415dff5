import { randomBytes } from 'node:crypto'
import { TetherError } from '../core/base/errors.js'
import type { Finding } from '../core/contracts/diagnosis.js'
import type { Endpoint, Transport } from '../core/contracts/transport.js'
import type { SessionKeys } from '../core/wire/root-key.js'
import { ignoredFrame, type Listening, listenAt } from './listening.js'
import type { CheckRun } from './run-checks.js'

/** The connection to check. */
export interface ConnectionToCheck {
  readonly transport: Transport
  readonly keys: SessionKeys
  /** The session's endpoint. */
  readonly session: Endpoint
  /** From `TransportDiagnosis`. */
  readonly phases: readonly string[]
  /** Checks that connecting depends on. */
  readonly needs: readonly string[]
}

/** The open connections after {@link connectionChecks}. */
export interface Connected {
  /** On the session's side; under the session's name if `copies` is true. */
  readonly listening: Listening
  /** Whether a second connection under the same name receives copies, without displacing the first. */
  readonly copies: boolean
  /** Whether another session has the name. Undefined if the transport cannot tell. */
  isTaken?(): Promise<boolean>
  close(): Promise<void>
}

const PASSED: Readonly<Record<string, string>> = {
  upgrade: 'The WebSocket is open: the broker takes the signature and the identity, if it wants any.',
  connect: 'The broker takes the client.',
  subscribe: 'The broker takes the subscriptions.',
}

/**
 * Connects like the session, without taking its name, and sends a frame that must come back. Uses the session's own
 * name, the one in policies, if the transport delivers copies; otherwise a random name.
 * @returns undefined if the connection failed
 */
export async function connectionChecks(
  run: CheckRun,
  { transport, keys, session, phases, needs }: ConnectionToCheck,
): Promise<Connected | undefined> {
  const copies = transport.describe !== undefined
  const self = copies ? session : { ...session, name: `diagnose-${randomBytes(8).toString('hex')}` }
  const broken = run.brokenOf(needs)
  if (broken !== undefined) {
    for (const phase of phases) run.skip(phase, broken)
    run.skip('echo', broken)
    return undefined
  }
  const attempted = await run.attempt((signal) =>
    listenAt(transport, self, {
      signal,
      ...(copies && { watch: [self] }),
      sign: (purpose, ...parts) => keys.first.sign(purpose, parts),
    }),
  )
  tellPhases(run, phases, 'finding' in attempted ? attempted.finding : undefined)
  if (!('value' in attempted)) {
    run.skip('echo', run.brokenOf(phases) ?? phases[0]!)
    return undefined
  }
  const listening = attempted.value
  const open: Listening[] = [listening]
  let stub: Listening | undefined
  const lane = { ...self, lane: 0 }
  const place = transport.describe?.(lane, 'frames') ?? "the session's side"
  await run.make(
    {
      id: 'echo',
      run: async (signal) => {
        const frame = ignoredFrame()
        if (!copies) {
          const name = randomBytes(16).toString('base64url')
          stub = await listenAt(transport, { ...session, role: 'stub', name }, { signal })
          open.push(stub)
        }
        await (stub ?? listening).connection.send(lane, frame, { signal })
        await listening.until(frame)
        return { outcome: 'ok', seen: `A frame to ${place} arrived.` }
      },
    },
    `A frame to ${place} did not arrive: the broker's rights may drop it in silence. It was waited for`,
  )
  return {
    listening,
    copies,
    ...(stub !== undefined && { isTaken: () => isTaken(stub!, session) }),
    close: async () => void (await Promise.all(open.map(({ connection }) => connection.close()))),
  }
}

/** Reports the phases that passed, and the failed one. */
function tellPhases(run: CheckRun, phases: readonly string[], failed: Finding | undefined): void {
  const during = phases.indexOf(String(failed?.details?.during))
  // A failure before the first phase, or without a phase, counts as the first phase.
  const at = failed === undefined ? phases.length : Math.max(0, during)
  for (const [index, phase] of phases.entries()) {
    if (index < at) run.tell(phase, { outcome: 'ok', seen: PASSED[phase] ?? 'Passed.' })
    else if (index === at) run.tell(phase, failed!)
    else run.skip(phase, phases[at]!)
  }
}

async function isTaken({ connection }: Listening, session: Endpoint): Promise<boolean> {
  try {
    await connection.send({ ...session, lane: 0 }, ignoredFrame())
    return true
  } catch (error) {
    if (error instanceof TetherError && error.details.absent) return false
    throw error
  }
}
