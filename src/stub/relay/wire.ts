/** Which side of a session somebody is. */
export type Role = 'session' | 'stub'

/** What a client asks of the relay: to hand a frame on. */
export interface RelayRequest {
  /** The client's own number of the frame; digits. */
  readonly number: string
  readonly role: Role
  readonly name: string
  /** The frame in base64, which the relay does not read. */
  readonly frame: string
}

// 134 characters of base64url are MAX_ENDPOINT_PART_BYTES.
const REQUEST = /^r (\d{1,15}) (session|stub) ([A-Za-z0-9_-]{2,134})\n/

/** Reads `r <number> <role> <name as base64url>\n<frame as base64>`; undefined for anything else. */
export function readRequest(text: unknown): RelayRequest | undefined {
  const head = typeof text === 'string' ? REQUEST.exec(text) : null
  if (typeof text !== 'string' || head === null) return undefined
  const [line, number = '', role, encoded = ''] = head
  const name = Buffer.from(encoded, 'base64url').toString()
  return { number, role: role as Role, name, frame: text.slice(line.length) }
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
  { number, role, name }: RelayRequest,
  ownConnectionId: string,
  receiverConnectionId?: string,
): string {
  const own = `t ${number} ${ownConnectionId}`
  return receiverConnectionId === undefined
    ? own
    : `${own} ${role} ${encodeName(name)} ${receiverConnectionId}`
}

/** What the sender is told of a frame for somebody who is not there. */
export function absent({ number }: Pick<RelayRequest, 'number'>, ownConnectionId: string): string {
  return `a ${number} ${ownConnectionId}`
}

function encodeName(name: string): string {
  return Buffer.from(name).toString('base64url')
}
