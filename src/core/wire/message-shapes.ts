import { TetherError } from '../base/errors.js'
import { type PeerMessage, PRESENCE_STATES, type SessionMessage, type StubMessage } from './protocol.js'

type Check = (value: unknown) => boolean
const text: Check = (value) => typeof value === 'string'

/** Our ids have 22 letters. Other clients may use longer ones, up to a length that is still cheap to remember. */
const MAX_ID_LETTERS = 100

/** Whether a value is a valid invocation id. */
export function isInvocationId(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_ID_LETTERS
}

const amount: Check = (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0
const whole: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0
const bytes: Check = (value) => value instanceof Uint8Array
const indices: Check = (value) =>
  Array.isArray(value) && value.every((part) => Number.isInteger(part) && part >= 0)
const texts: Check = (value) => Array.isArray(value) && value.every(text)
const object: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)
const missingParts: Check = (value) => {
  const missing = value as Record<string, unknown>
  return object(value) && text(missing.sent) && indices(missing.parts)
}
const CONTEXT_TEXTS = [
  'awsRequestId',
  'functionName',
  'functionVersion',
  'invokedFunctionArn',
  'memoryLimitInMB',
  'logGroupName',
  'logStreamName',
]

const optionally =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)

/** The message types of one sender, each with the checks of its fields (without the type itself). */
export interface Shapes<From extends string = string> {
  readonly from: From
  readonly byType: ReadonlyMap<unknown, readonly (readonly [name: string, check: Check])[]>
}

// As functions, so that a stub's bundle contains only the shapes that a stub reads.

export function stubShapes(): Shapes<'stub'> {
  const storedBody: Check = (value) => {
    const { key, secret, bytes } = value as Record<string, unknown>
    return text(key) && text(secret) && amount(bytes)
  }
  const context: Check = (value) =>
    object(value) && CONTEXT_TEXTS.every((name) => text((value as Record<string, unknown>)[name]))
  const common = { id: isInvocationId, settled: texts, epoch: whole }
  return shapesOf<'stub', StubMessage['type']>('stub', common, {
    invoke: {
      functionId: text,
      context,
      remainingMs: amount,
      ageMs: amount,
      ackedBy: optionally(text),
      sentAt: amount,
      boundTo: optionally(text),
      envFingerprint: text,
      event: optionally(bytes),
      stored: optionally((value) => object(value) && storedBody(value)),
      mirrored: optionally((value) => value === 'event' || value === 'metadata'),
      streams: optionally((value) => value === true),
      also: optionally(texts),
    },
    ask: {
      nonce: optionally(text),
      boundTo: optionally(text),
      sent: optionally(text),
      missing: optionally(missingParts),
    },
    cancel: { code: text, reason: text },
    presign: { bytes: amount },
    credit: { through: whole, missing: optionally(indices), from: optionally(whole) },
  })
}

export function sessionShapes(): Shapes<'session'> {
  const presigned: Check = (value) => {
    if (!object(value)) return false
    const { url, headers } = value as Record<string, unknown>
    return text(url) && object(headers) && Object.values(headers as object).every(text)
  }
  const storedResponse: Check = (value) => {
    if (!object(value)) return false
    const { key, secret, bytes, request } = value as Record<string, unknown>
    return text(key) && text(secret) && amount(bytes) && presigned(request)
  }
  const lambdaError: Check = (value) => {
    if (!object(value)) return false
    const { errorType, errorMessage, trace, cause } = value as Record<string, unknown>
    return (
      text(errorType) && text(errorMessage) && texts(trace) && (cause === undefined || lambdaError(cause))
    )
  }
  const common = { id: isInvocationId, session: text, epoch: whole, name: optionally(text) }
  return shapesOf<'session', SessionMessage['type']>('session', common, {
    ack: {},
    result: { body: optionally(bytes), stored: optionally(storedResponse) },
    url: { key: optionally(text), request: optionally(presigned) },
    error: { error: lambdaError },
    need: {},
    challenge: { nonce: text },
    missing: { sent: text, parts: indices },
    unknown: {},
    decline: { reason: text },
    chunk: { seq: whole, contentType: optionally(text), data: bytes },
    end: { seq: whole, contentType: optionally(text), error: optionally(lambdaError) },
  })
}

/** Messages between sessions. */
export function peerShapes(): Shapes<'peer'> {
  return shapesOf<'peer', PeerMessage['type']>(
    'peer',
    { session: text, epoch: whole },
    {
      claim: { yieldsTo: optionally(text) },
      displaced: { target: text, opening: optionally((value) => typeof value === 'boolean') },
    },
  )
}

export function presenceShapes(): Shapes<'presence'> {
  const state: Check = (value) => (PRESENCE_STATES as readonly unknown[]).includes(value)
  const common = { session: text, epoch: whole }
  return shapesOf('presence', common, {
    presence: { state, sequence: whole, at: whole, take: optionally(object) },
  })
}

function shapesOf<From extends string, Type extends string>(
  from: From,
  common: Record<string, Check>,
  shapes: Record<Type, Record<string, Check>>,
): Shapes<From> {
  const byType = Object.entries<Record<string, Check>>(shapes).map(
    ([type, shape]) => [type, Object.entries({ ...common, ...shape })] as const,
  )
  return { from, byType: new Map(byType) }
}

/** Checks that the sender has messages of this type. @throws TetherError `PROTOCOL` */
export function checkType({ type }: Record<string, unknown>, { from, byType }: Shapes): void {
  if (!byType.has(type)) throw malformed(`a ${from} sends none of type ${JSON.stringify(type)}`)
}

/** Checks the fields of a message. @throws TetherError `PROTOCOL` */
export function checkFieldsOf(message: Record<string, unknown>, { byType }: Shapes): void {
  const { type, event, body, stored } = message
  if ((type === 'invoke' || type === 'result') && ((event ?? body) === undefined) === (stored === undefined))
    throw malformed(`its ${type} is neither here nor in the store, or both`)
  for (const [name, check] of byType.get(type)!) {
    if (!check(message[name])) throw malformed(`'${name}' of its ${type} is not what it should be`)
  }
}

/** The error for authentic bytes that are not a message. */
export function malformed(why: string): TetherError {
  return new TetherError('PROTOCOL', `An authentic message is not one of this protocol: ${why}.`)
}
