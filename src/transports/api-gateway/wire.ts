import type { Endpoint } from '../../core/contracts/transport.js'

/** What a WebSocket of the API delivers. */
export type RelayMessage =
  /** A frame, and where an answer finds its sender. */
  | { readonly kind: 'frame'; readonly from: PeerAddress; readonly frame: Uint8Array }
  /** The relay has handed a frame on. It tells this connection's own id and the receiver's, where there is one receiver. */
  | { readonly kind: 'taken'; readonly number: number; readonly own: string; readonly to?: PeerAddress }
  /** Nobody is connected where the frame was to go. */
  | { readonly kind: 'absent'; readonly number: number; readonly own: string }
  /** What is kept for the names that were asked for. */
  | {
      readonly kind: 'kept'
      readonly number: number
      readonly own: string
      readonly frames: readonly (readonly [name: string, frame: Uint8Array])[]
    }
  /** API Gateway's own words: an integration, which can only be the relay, has failed. It does not say for what. */
  | { readonly kind: 'failed'; readonly message: string; readonly own?: string }

/** An endpoint within one app and stage, and its connection. */
export interface PeerAddress extends Pick<Endpoint, 'role' | 'name'> {
  readonly connectionId: string
}

/** A message's largest size, either way. https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html */
const MESSAGE_BYTES = 131_072
// 7 of role, 134 of the name in base64url, 20 of a number or 64 of a connection id, and what is between them.
const HEAD_BYTES = 256

/** The most of a frame that `bytes` of a message carry, in base64 behind the longest head. */
export function frameBytesIn(bytes: number): number {
  return Math.floor((bytes - HEAD_BYTES) / 4) * 3
}

/** The largest frame, in bytes. */
export const FRAME_BYTES = frameBytesIn(MESSAGE_BYTES)

/** What asks the relay to hand a frame on. It begins with no JSON, and so takes the API's `$default` route. */
export function relayedText(number: number, { role, name }: Endpoint, frame: string): string {
  return `r ${number} ${role} ${encodeName(name)}\n${frame}`
}

/** What has the relay keep a frame for as long as the connection lasts. */
export function keepText(number: number, frame: string): string {
  return `k ${number}\n${frame}`
}

/** What asks the relay what is kept for sessions' names. */
export function lookText(number: number, names: readonly string[]): string {
  return ['w', number, ...names.map(encodeName)].join(' ')
}

/** What a peer is posted directly: as the relay would have written it. */
export function directText({ role, name }: Endpoint, own: string, frame: string): string {
  return `f ${role} ${encodeName(name)} ${own}\n${frame}`
}

/** A frame as text. */
export function frameText(frame: Uint8Array): string {
  return Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength).toString('base64')
}

const ID = '([\\w+/=-]{1,128})'
const ADDRESS = `(session|stub) ([\\w-]+) ${ID}`
const FRAME = new RegExp(`^f ${ADDRESS}\n`)
const TAKEN = new RegExp(`^t (\\d{1,15}) ${ID}(?: ${ADDRESS})?$`)
const KEPT = new RegExp(`^k (\\d{1,15}) ${ID}(?=\n|$)`)
const ABSENT = new RegExp(`^a (\\d{1,15}) ${ID}$`)

/** Reads what arrived; undefined for anything that nobody here sends. */
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
