import type { Finding } from '../core/contracts/diagnosis.js'
import type { Endpoint, Transport } from '../core/contracts/transport.js'
import { decodeHeader, readScope, scopeOf } from '../core/wire/frame.js'
import { openPresence } from '../core/wire/presence-frame.js'
import type { PresenceMessage } from '../core/wire/protocol.js'
import type { SessionKeys } from '../core/wire/root-key.js'
import type { Connected } from './connection-checks.js'
import type { CheckRun } from './run-checks.js'

/** The session name to check. */
export interface NameToCheck {
  readonly transport: Transport
  readonly keys: SessionKeys
  readonly session: Endpoint
}

const OPEN_IT = 'Open the session: until then, stubs answer NO_SESSION, or run their own code.'

/** Checks whether the broker keeps a presence message of the session, and which session holds the name. */
export async function nameChecks(
  run: CheckRun,
  connected: Connected,
  { transport, keys, session }: NameToCheck,
): Promise<void> {
  const { kept } = connected.listening
  const frame = kept.at(-1)
  const word = frame && openPresence(keys.all, session, frame)
  await run.make({
    id: 'presence',
    run: async () => presenceFinding(transport, frame, word),
  })
  await run.make({
    id: 'name',
    run: async () => {
      if (word !== undefined) return holderFinding(session.name, word)
      if (connected.isTaken === undefined) return unheldFinding(session.name, transport)
      return (await connected.isTaken())
        ? { outcome: 'ok', seen: `A session is connected as '${session.name}'.` }
        : { outcome: 'warning', seen: `Nobody is connected as '${session.name}'.`, advice: OPEN_IT }
    },
  })
}

function presenceFinding(
  transport: Transport,
  frame: Uint8Array | undefined,
  word: PresenceMessage | undefined,
): Finding {
  // A transport that sends presence only on request keeps nothing to inspect.
  if (transport.keeps === undefined || transport.keeps.onRequest) {
    const seen = `${transport.name} keeps no word of a session here.`
    return { outcome: 'ok', seen }
  }
  if (frame === undefined) {
    const seen =
      'The broker keeps nothing for this name: no session of it was there yet, or the broker drops retained messages.'
    return { outcome: 'unknown', seen }
  }
  if (word !== undefined)
    return { outcome: 'ok', seen: `The broker keeps '${word.state}', said at ${timeOf(word.at)}.` }
  const keyId = keyIdOf(frame)
  return {
    outcome: 'warning',
    seen:
      keyId === undefined
        ? 'The broker keeps something that is not of this package.'
        : `The broker keeps a word sealed with key ${keyId}, which these keys do not open.`,
    advice:
      'If somebody else uses this app, stage and name, choose another name; after a change of keys, the next session replaces it.',
    ...(keyId !== undefined && { details: { keyId } }),
  }
}

function holderFinding(name: string, { state, session, epoch, at }: PresenceMessage): Finding {
  const details = { session, epoch, state }
  if (state === 'online') {
    const seen = `Session ${session} has '${name}', opened at ${timeOf(epoch)}.`
    return { outcome: 'ok', seen, details }
  }
  const how = { leaving: 'is closing', closed: 'has closed', lost: 'was lost without a goodbye' }[state]
  const seen = `Nobody has '${name}': its last session ${how}, by its word of ${timeOf(at)}.`
  return { outcome: 'warning', seen, advice: OPEN_IT, details }
}

function unheldFinding(name: string, { keeps }: Transport): Finding {
  if (keeps === undefined || keeps.onRequest)
    return { outcome: 'unknown', seen: `Without presence nothing tells who has '${name}'.` }
  return { outcome: 'warning', seen: `Nothing tells of a session '${name}'.`, advice: OPEN_IT }
}

function keyIdOf(frame: Uint8Array): string | undefined {
  try {
    return readScope(scopeOf(decodeHeader(frame).header.sender)).keyId
  } catch {
    return undefined
  }
}

// A signed presence message may hold any number, including an invalid date.
function timeOf(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString()
}
