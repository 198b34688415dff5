import { type Clock, systemClock } from '../base/clock.js'
import { defined } from '../base/defined.js'
import { delay } from '../base/delay.js'
import { TetherError, throwIfAborted } from '../base/errors.js'
import type { PresignedRequest } from '../contracts/payload-store.js'
import type { AbortOptions } from '../contracts/transport.js'
import { reasonOf, type StoreAnswer, type StoreOperation, storeFailure } from './store-failure.js'

/** Options of a transfer with a presigned request. */
export interface TransferOptions extends AbortOptions {
  readonly clock?: Clock
}

const ATTEMPTS = 3
/** The time limit for one attempt. */
const ATTEMPT_TIMEOUT_MS = 30_000
const FIRST_PAUSE_MS = 100
/** Enough for the error documents of S3, which begin with the code. */
const MAX_ERROR_BYTES = 16_384

/**
 * PUTs a body through a presigned request.
 * @throws TetherError `STORE_FAILED`, `ABORTED`
 */
export async function upload(
  request: PresignedRequest,
  body: Uint8Array,
  options: TransferOptions = {},
): Promise<void> {
  // fetch sets Content-Length itself; it would not accept a body in shared memory.
  const bytes = body.buffer instanceof ArrayBuffer ? (body as Uint8Array<ArrayBuffer>) : Uint8Array.from(body)
  await attempt('put', request, { method: 'PUT', body: bytes }, options, drain)
}

/**
 * GETs a body through a presigned request. Refuses one of more than `maxBytes` before reading it, and one of a length
 * other than `bytes`, which was cut off or swapped.
 * @throws TetherError `STORE_FAILED`, `TOO_LARGE`, `ABORTED`
 */
export function download(
  request: PresignedRequest,
  options: TransferOptions & { readonly maxBytes: number; readonly bytes?: number },
): Promise<Uint8Array> {
  return attempt('get', request, { method: 'GET' }, options, (response) => read(response, options))
}

/**
 * Tries up to three times. Every operation may be repeated, and the first attempt may have met a socket that died while
 * the stub was frozen.
 */
async function attempt<T>(
  operation: StoreOperation,
  { url, headers }: PresignedRequest,
  init: RequestInit,
  options: TransferOptions,
  finish: (response: Response) => Promise<T>,
): Promise<T> {
  const { signal, clock = systemClock } = options
  for (let tried = 1; ; tried += 1) {
    throwIfAborted(signal)
    const limit = new AbortController()
    const cancel = clock.schedule(ATTEMPT_TIMEOUT_MS, () => limit.abort())
    const both = signal === undefined ? limit.signal : AbortSignal.any([signal, limit.signal])
    try {
      // A redirect would send a signed request to another server.
      const response = await fetch(url, { ...init, headers, redirect: 'manual', signal: both })
      if (response.ok) return await finish(response)
      const answer = await answerOf(response)
      throw storeFailure(operation, reasonOf(answer), { answer })
    } catch (error) {
      throwIfAborted(signal)
      const silent = limit.signal.aborted ? `no answer within ${ATTEMPT_TIMEOUT_MS} ms` : undefined
      const failure = error instanceof TetherError ? error : broken(operation, error, silent)
      if (tried === ATTEMPTS || !mayPass(failure)) throw failure
    } finally {
      cancel()
    }
    await delay(FIRST_PAUSE_MS * 4 ** (tried - 1) * (0.5 + Math.random()), { clock, signal })
  }
}

function mayPass({ code, details }: TetherError): boolean {
  return code === 'STORE_FAILED' && (details.reason === 'unreachable' || details.reason === 'truncated')
}

/** A failure of the network. The message of fetch's own error may hold the URL; its cause's message does not. */
function broken(operation: StoreOperation, error: unknown, silent: string | undefined): TetherError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : undefined
  const detail = silent ?? cause?.message
  return storeFailure(operation, 'unreachable', defined({ detail, cause }))
}

async function read(
  response: Response,
  { maxBytes, bytes }: { readonly maxBytes: number; readonly bytes?: number },
): Promise<Uint8Array> {
  const header = response.headers.get('content-length')
  const declared = header === null ? undefined : Number(header)
  if (declared !== undefined && declared > maxBytes) {
    await response.body?.cancel()
    throw tooLarge(declared, maxBytes)
  }
  const object = await readAtMost(maxBytes, response.body ?? [], declared)
  const expected = bytes ?? declared ?? object.length
  if (object.length !== expected) {
    throw storeFailure('get', 'truncated', {
      detail: `${object.length} bytes came where ${expected} were put`,
    })
  }
  return object
}

/**
 * Reads a stored object, but never more than its limit. Leaving a stream early ends its request.
 * @param declared the length declared by the sender
 * @throws TetherError `TOO_LARGE`, `STORE_FAILED`
 */
export async function readAtMost(
  maxBytes: number,
  stream: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  declared: number | undefined,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of stream) {
      size += chunk.length
      const least = Math.max(size, declared ?? 0)
      if (least > maxBytes) throw tooLarge(least, maxBytes)
      chunks.push(chunk)
    }
  } catch (cause) {
    if (cause instanceof TetherError) throw cause
    throw storeFailure('get', 'truncated', {
      detail: `${size} of ${declared ?? 'unknown'} bytes came`,
      cause,
    })
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size)
}

function tooLarge(size: number, maxBytes: number): TetherError {
  return new TetherError('TOO_LARGE', `A stored object of ${size} bytes or more exceeds ${maxBytes}.`)
}

/** Reads the rest, so that the connection can be reused. */
async function drain(response: Response): Promise<void> {
  await response.arrayBuffer()
}

async function answerOf(response: Response): Promise<StoreAnswer> {
  let text = ''
  try {
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true })
      if (text.length > MAX_ERROR_BYTES) break
    }
  } catch {
    // The status suffices.
  }
  const element = (name: string) => new RegExp(`<${name}>([^<]{0,200})</${name}>`).exec(text)?.[1]
  return { status: response.status, code: element('Code'), message: element('Message') }
}
