/** Which side of a session somebody is. */
export type Role = 'session' | 'stub'

/** What a client asks of the relay. */
export type RelayRequest = HandOn | KeepFrame | Look

/** To hand a frame on. */
export interface HandOn {
  readonly kind: 'hand on'
  /** The client's own number of the frame; digits. */
  readonly number: string
  readonly role: Role
  readonly name: string
  /** The frame in base64, which the relay does not read. */
  readonly frame: string
}

/** To keep a frame for as long as its connection lasts, in place of the one before. */
export interface KeepFrame {
  readonly kind: 'keep'
  readonly number: string
  readonly frame: string
}

/** To tell what sessions of these names have had kept. */
export interface Look {
  readonly kind: 'look'
  readonly number: string
  readonly names: readonly string[]
}

// 134 characters of base64url are MAX_ENDPOINT_PART_BYTES.
const REQUEST = /^r (\d{1,15}) (session|stub) ([A-Za-z0-9_-]{2,134})\n/

const KEEP = /^k (\d{1,15})\n/
// As many as a team has.
const LOOK = /^w (\d{1,15})((?: [A-Za-z0-9_-]{2,134}){1,7})$/

/**
 * Reads `r <number> <role> <name as base64url>\n<frame as base64>`, `k <number>\n<frame>`, or `w <number> <name> …`; undefined for anything
 * else.
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

/** What the receiver gets: the frame, who sent it, and on which connection an answer finds the sender. */
export function forwarded(from: { role: Role; name: string; connectionId: string }, frame: string): string {
  return `f ${from.role} ${encodeName(from.name)} ${from.connectionId}\n${frame}`
}

/**
 * What the sender is told of a frame that was taken: its own connection, and the receiver's where there is one
 * receiver.
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

/** What a session is told whose frame is kept. */
export function keptReceipt({ number }: KeepFrame, ownConnectionId: string): string {
  return `t ${number} ${ownConnectionId}`
}

/** What is kept, a line for each name that has something. */
export function looked(
  { number }: Look,
  ownConnectionId: string,
  kept: readonly (readonly [name: string, frame: string])[],
): string {
  const lines = kept.map(([name, frame]) => `\n${encodeName(name)} ${frame}`)
  return `k ${number} ${ownConnectionId}${lines.join('')}`
}

/** What the sender is told of a frame for somebody who is not there. */
export function absent({ number }: Pick<HandOn, 'number'>, ownConnectionId: string): string {
  return `a ${number} ${ownConnectionId}`
}

function encodeName(name: string): string {
  return Buffer.from(name).toString('base64url')
}
