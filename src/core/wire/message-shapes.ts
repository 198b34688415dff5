import { TetherError } from '../base/errors.js'
import type { Message, PresenceMessage } from './protocol.js'

type Check = (value: unknown) => boolean
const text: Check = (value) => typeof value === 'string'

/** Ours have 22 letters; those of others may be longer, but not so long that remembering them costs anything. */
const MAX_ID_LETTERS = 100

/** Whether this can name an invocation. */
export function isInvocationId(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_ID_LETTERS
}

const amount: Check = (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0
const whole: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0
const flag: Check = (value) => typeof value === 'boolean'
const bytes: Check = (value) => value instanceof Uint8Array
const indices: Check = (value) =>
  Array.isArray(value) && value.every((part) => Number.isInteger(part) && part >= 0)
const texts: Check = (value) => Array.isArray(value) && value.every(text)
const object: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)
const missingParts: Check = (value) => {
  const missing = value as Record<string, unknown>
  return object(value) && text(missing.sent) && indices(missing.parts)
}
const lambdaError: Check = (value) => {
  const error = value as Record<string, unknown>
  return (
    object(value) &&
    text(error.errorType) &&
    text(error.errorMessage) &&
    texts(error.trace) &&
    (error.cause === undefined || lambdaError(error.cause))
  )
}
const context: Check = (value) => {
  const fields = value as Record<string, unknown>
  return object(value) && CONTEXT_TEXTS.every((name) => text(fields[name]))
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
const storedBody: Check = (value) => {
  if (!object(value)) return false
  const stored = value as Record<string, unknown>
  return text(stored.key) && text(stored.secret) && amount(stored.bytes)
}
const presigned: Check = (value) => {
  if (!object(value)) return false
  const { url, headers } = value as Record<string, unknown>
  return text(url) && object(headers) && Object.values(headers as object).every(text)
}
const storedResponse: Check = (value) =>
  storedBody(value) && presigned((value as Record<string, unknown>).request)
const fromStub = { id: isInvocationId, settled: texts, epoch: whole }
const fromSession = { id: isInvocationId, session: text, epoch: whole }
const peer = { session: text, epoch: whole }
const STATES: readonly unknown[] = [
  'online',
  'leaving',
  'closed',
  'lost',
] satisfies PresenceMessage['state'][]
const SHAPES: Record<(Message | PresenceMessage)['type'], Record<string, Check>> = {
  invoke: {
    ...fromStub,
    functionId: text,
    context,
    remainingMs: amount,
    ageMs: amount,
    ackedBy: optionally(text),
    sentAt: amount,
    boundTo: optionally(text),
    envFingerprint: text,
    event: optionally(bytes),
    stored: optionally(storedBody),
    mirrored: optionally((value) => value === 'event' || value === 'metadata'),
  },
  ask: {
    ...fromStub,
    nonce: optionally(text),
    boundTo: optionally(text),
    sent: optionally(text),
    missing: optionally(missingParts),
  },
  cancel: { ...fromStub, code: text, reason: text },
  ack: fromSession,
  presign: { ...fromStub, bytes: amount },
  result: { ...fromSession, body: optionally(bytes), stored: optionally(storedResponse) },
  url: { ...fromSession, key: optionally(text), request: optionally(presigned) },
  error: { ...fromSession, error: lambdaError },
  need: fromSession,
  challenge: { ...fromSession, nonce: text },
  missing: { ...fromSession, sent: text, parts: indices },
  unknown: fromSession,
  decline: { ...fromSession, reason: text },
  claim: { ...peer, yieldsTo: optionally(text) },
  displaced: { ...peer, target: text, opening: optionally(flag) },
  presence: { ...peer, state: (value) => STATES.includes(value), sequence: whole, at: whole },
}

const CHECKS = new Map(
  Object.entries(SHAPES).map(([type, shape]) => [
    type,
    Object.entries(shape).map(([name, check]) => ({ name, check })),
  ]),
)

/** Checks a message's fields, whatever sent it. @throws TetherError `PROTOCOL` */
export function checkMessage(message: Record<string, unknown>): void {
  const { type, event, body, stored } = message
  const content = type === 'invoke' ? event : type === 'result' ? body : undefined
  if ((type === 'invoke' || type === 'result') && (content === undefined) === (stored === undefined)) {
    throw malformed(`its ${type} is neither here nor in the store, or both`)
  }
  for (const { name, check } of CHECKS.get(message.type as Message['type'])!) {
    if (!check(message[name]))
      throw malformed(`'${name}' of its ${String(message.type)} is not what it should be`)
  }
}

/** The error for authentic bytes that are no message. */
export function malformed(why: string): TetherError {
  return new TetherError('PROTOCOL', `An authentic message is not one of this protocol: ${why}.`)
}
