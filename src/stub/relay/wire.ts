/** The two sides of a session. */
export type Role = 'session' | 'stub'

/** A client's request to the relay. */
export type RelayRequest = HandOn | KeepFrame | Look

/** Forwards a frame. */
export interface HandOn {
  readonly kind: 'hand on'
  /** The client's own number of the frame; digits. */
  readonly number: string
  readonly role: Role
  readonly name: string
  /** The frame in base64; the relay does not read it. */
  readonly frame: string
}

/** Keeps a frame as long as its connection lasts; replaces the one before. */
export interface KeepFrame {
  readonly kind: 'keep'
  readonly number: string
  readonly frame: string
}

/** Asks for the kept frames of the sessions with these names. */
export interface Look {
  readonly kind: 'look'
  readonly number: string
  readonly names: readonly string[]
}

// 134 characters of base64url encode MAX_ENDPOINT_PART_BYTES.
const REQUEST = /^r (\d{1,15}) (session|stub) ([A-Za-z0-9_-]{2,134})\n/

const KEEP = /^k (\d{1,15})\n/
// At most seven names: the size of a team.
const LOOK = /^w (\d{1,15})((?: [A-Za-z0-9_-]{2,134}){1,7})$/

/**
 * Parses `r <number> <role> <name as base64url>\n<frame as base64>`, `k <number>\n<frame>`, or `w <number> <name> …`;
 * undefined for anything else.
 */
export function readRequest(text: unknown): RelayRequest | undefined {
  if (typeof text !== 'string') return undefined
  const [line, number = '', role, encoded = ''] = REQUEST.exec(text) ?? []
  if (line !== undefined)
    return {
      kind: 'hand on',
      number,
      role: role as Role,
      name: nameOf(encoded),
      frame: text.slice(line.length),
    }
  const [keep, kept = ''] = KEEP.exec(text) ?? []
  if (keep !== undefined) return { kind: 'keep', number: kept, frame: text.slice(keep.length) }
  const [look, asked = '', names = ''] = LOOK.exec(text) ?? []
  if (look === undefined) return undefined
  return { kind: 'look', number: asked, names: names.trim().split(' ').map(nameOf) }
}

function nameOf(encoded: string): string {
  return Buffer.from(encoded, 'base64url').toString()
}

/** Formats a frame for its receiver, with the sender and the sender's connection for an answer. */
export function forwarded(from: { role: Role; name: string; connectionId: string }, frame: string): string {
  return `f ${from.role} ${encodeName(from.name)} ${from.connectionId}\n${frame}`
}

/**
 * Formats the receipt for a delivered frame: the sender's own connection, and the receiver's if there is exactly one.
 */
export function taken(
  { number, role, name }: Pick<HandOn, 'number' | 'role' | 'name'>,
  ownConnectionId: string,
  receiverConnectionId?: string,
): string {
  const own = `t ${number} ${ownConnectionId}`
  return receiverConnectionId === undefined
    ? own
    : `${own} ${role} ${encodeName(name)} ${receiverConnectionId}`
}

/** Formats the receipt for a kept frame. */
export function keptReceipt({ number }: KeepFrame, ownConnectionId: string): string {
  return `t ${number} ${ownConnectionId}`
}

/** Formats the kept frames, a line for each name that has one. */
export function looked(
  { number }: Look,
  ownConnectionId: string,
  kept: readonly (readonly [name: string, frame: string])[],
): string {
  const lines = kept.map(([name, frame]) => `\n${encodeName(name)} ${frame}`)
  return `k ${number} ${ownConnectionId}${lines.join('')}`
}

/** Formats the reply for a frame without a connected receiver. */
export function absent({ number }: Pick<HandOn, 'number'>, ownConnectionId: string): string {
  return `a ${number} ${ownConnectionId}`
}

function encodeName(name: string): string {
  return Buffer.from(name).toString('base64url')
}
