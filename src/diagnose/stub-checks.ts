import { TetherError } from '../core/base/errors.js'
import type { Finding } from '../core/contracts/diagnosis.js'
import type { SessionStats } from '../core/session/stats.js'
import { decodeHeader, FRAME_VERSION, readScope, scopeOf } from '../core/wire/frame.js'
import type { SessionKeys } from '../core/wire/root-key.js'

/** Stubs of one protocol version and key. */
interface HeardStubs {
  readonly version: number
  /** 8 hex digits. */
  readonly keyId: string
  readonly environments: number
}

/** Reports the stubs that sent frames to the name, by their frame headers alone: decrypts nothing. */
export function stubsFinding(frames: readonly Uint8Array[], keys: SessionKeys, listenedMs: number): Finding {
  const stubs = heardStubs(frames)
  const details = { stubs }
  if (stubs.length === 0) {
    const seen = `No stub was heard in ${listenedMs.toLocaleString('en-US')} ms.`
    const advice = "Invoke a function meanwhile, or raise 'listenMs'."
    return { outcome: 'unknown', seen, advice, details }
  }
  const foreign = (stub: HeardStubs) => stub.version !== FRAME_VERSION || !keys.ids.includes(stub.keyId)
  const each = stubs.map((stub) => {
    const whose = keys.ids.includes(stub.keyId) ? 'yours' : 'not yours'
    const { version, keyId, environments } = stub
    return `${environments} of version ${version} with key ${keyId} (${whose})`
  })
  const seen = `Environments heard: ${each.join('; ')}.`
  if (!stubs.some(foreign)) return { outcome: 'ok', seen, details }
  const advice = `This side speaks version ${FRAME_VERSION} and has ${keys.ids.join(', ')}: deploy what stubEnvironment() of this version makes of this key.`
  return { outcome: stubs.every(foreign) ? 'failed' : 'warning', seen, advice, details }
}

/** Reports the counts of an open session. */
export function sessionFinding({ invocations, discards, connections }: SessionStats): Finding {
  const dropped = Object.entries(discards).filter(([, count]) => count > 0)
  const reasons = dropped.map(([reason, count]) => `${reason} ${count}`).join(', ')
  const seen = `${connections} connections; ${invocations.received} invocations received, ${invocations.answered} answered; dropped: ${reasons || 'nothing'}.`
  const details = { invocations, discards, connections }
  if (connections === 0)
    return {
      outcome: 'failed',
      seen,
      advice: 'It is not open, or not connected now: see its status.',
      details,
    }
  if (dropped.length === 0) return { outcome: 'ok', seen, details }
  return {
    outcome: 'warning',
    seen,
    advice: "Its 'discard' events say why; docs/errors.md lists the reasons.",
    details,
  }
}

function heardStubs(frames: readonly Uint8Array[]): HeardStubs[] {
  const senders = new Map<string, Set<string>>()
  for (const frame of frames) {
    const header = stubHeader(frame)
    if (header === undefined) continue
    const kind = `${header.version} ${readScope(scopeOf(header.sender)).keyId}`
    senders.set(kind, (senders.get(kind) ?? new Set()).add(header.sender))
  }
  return [...senders].map(([kind, { size }]) => {
    const [version = '', keyId = ''] = kind.split(' ')
    return { version: Number(version), keyId, environments: size }
  })
}

/** Returns version and sender of a stub's frame, of any version; undefined for anything else. */
function stubHeader(frame: Uint8Array): { readonly version: number; readonly sender: string } | undefined {
  try {
    const { kind, sender } = decodeHeader(frame).header
    return kind === 'stub' ? { version: FRAME_VERSION, sender } : undefined
  } catch (error) {
    const { version, kind, sender } = error instanceof TetherError ? error.details : {}
    return kind === 'stub' && typeof version === 'number' ? { version, sender: String(sender) } : undefined
  }
}
