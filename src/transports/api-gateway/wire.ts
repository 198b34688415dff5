import type { Endpoint } from '../../core/contracts/transport.js'

/** A message from the API's WebSocket. */
export type RelayMessage =
  /** A frame, and the sender's address for answers. */
  | { readonly kind: 'frame'; readonly from: PeerAddress; readonly frame: Uint8Array }
  /** The relay has handed a frame on. Gives this connection's own id and, if there is one receiver, the receiver's. */
  | { readonly kind: 'taken'; readonly number: number; readonly own: string; readonly to?: PeerAddress }
  /** The frame's receiver is not connected. */
  | { readonly kind: 'absent'; readonly number: number; readonly own: string }
  /** The frames kept for the requested names. */
  | {
      readonly kind: 'kept'
      readonly number: number
      readonly own: string
      readonly frames: readonly (readonly [name: string, frame: Uint8Array])[]
    }
  /** API Gateway's own error: an integration, which can only be the relay, has failed. It does not name the message. */
  | { readonly kind: 'failed'; readonly message: string; readonly own?: string }

/** An endpoint within one app and stage, and its connection. */
export interface PeerAddress extends Pick<Endpoint, 'role' | 'name'> {
  readonly connectionId: string
}

/** A message's largest size, either way. https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html */
const MESSAGE_BYTES = 131_072
// 7 bytes of role, 134 of the name in base64url, 20 of a number or 64 of a connection id, and the separators.
const HEAD_BYTES = 256

/** Returns the largest frame that a message of `bytes` carries, in base64 after the longest head. */
export function frameBytesIn(bytes: number): number {
  return Math.floor((bytes - HEAD_BYTES) / 4) * 3
}

/** The largest frame, in bytes. */
export const FRAME_BYTES = frameBytesIn(MESSAGE_BYTES)

/** Encodes a request to hand a frame on. It does not start as JSON does, so the API routes it to `$default`. */
export function relayedText(number: number, { role, name }: Endpoint, frame: string): string {
  return `r ${number} ${role} ${encodeName(name)}\n${frame}`
}

/** Encodes a request to keep a frame for as long as the connection lasts. */
export function keepText(number: number, frame: string): string {
  return `k ${number}\n${frame}`
}

/** Encodes a request for the frames kept for sessions' names. */
export function lookText(number: number, names: readonly string[]): string {
  return ['w', number, ...names.map(encodeName)].join(' ')
}

/** Encodes a frame for a direct post to a peer, as the relay would write it. */
export function directText({ role, name }: Endpoint, own: string, frame: string): string {
  return `f ${role} ${encodeName(name)} ${own}\n${frame}`
}

/** Encodes a frame as base64. */
export function frameText(frame: Uint8Array): string {
  return Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength).toString('base64')
}

const ID = '([\\w+/=-]{1,128})'
const ADDRESS = `(session|stub) ([\\w-]+) ${ID}`
const FRAME = new RegExp(`^f ${ADDRESS}\n`)
const TAKEN = new RegExp(`^t (\\d{1,15}) ${ID}(?: ${ADDRESS})?$`)
const KEPT = new RegExp(`^k (\\d{1,15}) ${ID}(?=\n|$)`)
const ABSENT = new RegExp(`^a (\\d{1,15}) ${ID}$`)

/** Parses a received text; undefined if it is not a message of this protocol. */
export function readArrival(text: string): RelayMessage | undefined {
  switch (text[0]) {
    case 'f': {
      const [head, ...from] = FRAME.exec(text) ?? []
      if (head === undefined) return undefined
      return { kind: 'frame', from: addressOf(from), frame: Buffer.from(text.slice(head.length), 'base64') }
    }
    case 't': {
      const [head, number, own, ...to] = TAKEN.exec(text) ?? []
      if (head === undefined) return undefined
      const receipt = { kind: 'taken', number: Number(number), own: own! } as const
      return to[0] === undefined ? receipt : { ...receipt, to: addressOf(to) }
    }
    case 'k': {
      const [head, number, own] = KEPT.exec(text) ?? []
      if (head === undefined) return undefined
      const frames = text
        .slice(head.length + 1)
        .split('\n')
        .map((line) => line.split(' '))
        .flatMap(([name = '', frame]) =>
          frame === undefined ? [] : [[nameOf(name), Buffer.from(frame, 'base64')] as const],
        )
      return { kind: 'kept', number: Number(number), own: own!, frames }
    }
    case 'a': {
      const [head, number, own] = ABSENT.exec(text) ?? []
      return head === undefined ? undefined : { kind: 'absent', number: Number(number), own: own! }
    }
    default:
      return readFailure(text)
  }
}

/** `{"message": "Internal server error", "connectionId": "…", "requestId": "…"}` */
function readFailure(text: string): RelayMessage | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const { message, connectionId } = (value ?? {}) as Record<string, unknown>
  if (typeof message !== 'string') return undefined
  return { kind: 'failed', message, ...(typeof connectionId === 'string' && { own: connectionId }) }
}

function addressOf([role, name, connectionId]: readonly (string | undefined)[]): PeerAddress {
  return {
    role: role as Endpoint['role'],
    name: nameOf(name!),
    connectionId: connectionId!,
  }
}

function nameOf(encoded: string): string {
  return Buffer.from(encoded, 'base64url').toString()
}

function encodeName(name: string): string {
  return Buffer.from(name).toString('base64url')
}
