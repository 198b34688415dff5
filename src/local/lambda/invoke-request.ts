import { randomUUID } from 'node:crypto'
import { systemClock } from '../../core/base/clock.js'
import { TetherError } from '../../core/base/errors.js'
import { kindOf } from '../../core/base/options.js'
import type { AbortOptions } from '../../core/contracts/transport.js'

/** The largest event of a synchronous invocation, in bytes. */
const MAX_SYNC_EVENT_BYTES = 6 * 1024 * 1024
/** The largest event of an asynchronous invocation, in bytes. */
const MAX_ASYNC_EVENT_BYTES = 1024 * 1024
/** The largest client context, in bytes, before its header's base64. */
const MAX_CLIENT_CONTEXT_BYTES = 3583

/** Options of an invocation. */
export interface InvokeOptions extends AbortOptions {
  /** `Event` is asynchronous: the answer comes at once, and failures are retried. @default 'RequestResponse' */
  readonly type?: 'RequestResponse' | 'Event' | undefined
  /** Becomes `context.clientContext`; any JSON value. */
  readonly clientContext?: unknown
  /** Becomes `context.identity`; any JSON value. */
  readonly identity?: unknown
  /** Becomes `context.tenantId`. */
  readonly tenantId?: string | undefined
  /** @default a fresh X-Ray root */
  readonly traceId?: string | undefined
}

/** The answer of Lambda's Invoke call. */
export interface InvokeResult {
  readonly requestId: string
  /** 202 for an asynchronous invocation. */
  readonly statusCode: 200 | 202
  /** The response's JSON, or the error's; empty for an asynchronous invocation. */
  readonly payload: Uint8Array
  readonly functionError?: 'Unhandled' | undefined
  /** The last 4 KB of the function's output during the invocation. */
  readonly logTail: string
  /** From the hand-over to the answer; excludes the start. */
  readonly durationMs: number
  /** Present if an environment was started for it. */
  readonly initDurationMs?: number | undefined
}

/** An accepted invocation, without its deadline. */
export interface InvokeRequest {
  readonly requestId: string
  readonly type: 'RequestResponse' | 'Event'
  readonly event: Uint8Array
  readonly traceId: string
  readonly clientContext?: string
  readonly identity?: string
  readonly tenantId?: string
}

/**
 * Checks an invocation as Lambda's Invoke call does.
 * @throws TetherError `TOO_LARGE`, `INVALID_OPTION` (not JSON)
 */
export function invokeRequest(event: unknown, options: InvokeOptions): InvokeRequest {
  const type = options.type ?? 'RequestResponse'
  const bytes = event instanceof Uint8Array ? checkJson(event) : toJson('event', event ?? {})
  const max = type === 'Event' ? MAX_ASYNC_EVENT_BYTES : MAX_SYNC_EVENT_BYTES
  if (bytes.byteLength > max) {
    throw new TetherError(
      'TOO_LARGE',
      `${bytes.byteLength} byte payload is too large for the ${type} invocation type (limit ${max} bytes)`,
      { details: { bytes: bytes.byteLength, limit: max } },
    )
  }
  const { clientContext, identity, tenantId } = options
  return {
    requestId: randomUUID(),
    type,
    event: bytes,
    traceId: options.traceId ?? freshTraceId(),
    ...(clientContext === undefined ? {} : { clientContext: checkClientContext(clientContext) }),
    ...(identity === undefined ? {} : { identity: toJson('identity', identity).toString() }),
    ...(tenantId === undefined ? {} : { tenantId }),
  }
}

function checkJson(bytes: Uint8Array): Uint8Array {
  try {
    JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'))
    return bytes
  } catch (cause) {
    throw new TetherError('INVALID_OPTION', 'Could not parse request body into json.', { cause })
  }
}

function toJson(option: string, value: unknown): Buffer {
  try {
    const text: unknown = JSON.stringify(value)
    if (typeof text === 'string') return Buffer.from(text)
  } catch (cause) {
    throw new TetherError('INVALID_OPTION', `'${option}' cannot be written as JSON.`, { cause })
  }
  throw new TetherError('INVALID_OPTION', `'${option}' must be a JSON value, not ${kindOf(value)}.`)
}

function checkClientContext(value: unknown): string {
  const json = toJson('clientContext', value)
  if (json.byteLength > MAX_CLIENT_CONTEXT_BYTES) {
    throw new TetherError(
      'TOO_LARGE',
      `'clientContext' of ${json.byteLength} bytes exceeds ${MAX_CLIENT_CONTEXT_BYTES}. Put it into the event.`,
    )
  }
  return json.toString()
}

function freshTraceId(): string {
  const seconds = Math.floor(systemClock.now() / 1000).toString(16)
  const random = randomUUID().replaceAll('-', '')
  return `Root=1-${seconds}-${random.slice(0, 24)};Parent=${random.slice(0, 16)};Sampled=0`
}
