import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { TetherError, type TetherErrorCode } from '../../core/base/errors.js'
import { setTimeout } from '../../core/base/timers.js'
import type { PayloadStore, PresignedRequest } from '../../core/contracts/payload-store.js'

/** The result of `payloadStoreConformance`'s factory, for one test. */
export interface PayloadStoreUnderTest {
  readonly store: PayloadStore
  /**
   * Moves the time by which presigned URLs expire, in milliseconds. Without it the suite waits in real time, two or
   * three seconds in two tests.
   */
  advance?(ms: number): void | Promise<void>
  /** Releases the factory's resources. */
  close?(): void | Promise<void>
}

/** One promise of a payload store, tested. */
export interface PayloadStoreTest {
  readonly name: string
  run(subject: PayloadStoreUnderTest): Promise<void>
}

/** The longest that a URL may outlive its expiry in real time. */
const EXPIRY_LIMIT_MS = 10_000
/** Long enough for any test. */
export const MINUTE = { expiresInMs: 60_000 }

/** Returns a key that no other test uses. */
export function newKey(): string {
  return randomBytes(16).toString('hex')
}

/** Sends a presigned request, as allowed or altered. */
export function send(
  method: string,
  { url, headers }: PresignedRequest,
  body?: Uint8Array,
): Promise<Response> {
  return fetch(url, { method, headers, body: body === undefined ? null : Uint8Array.from(body) })
}

/** Returns the body of a presigned GET. */
export async function fetchBody(request: PresignedRequest): Promise<Uint8Array> {
  const response = await send('GET', request)
  assert.ok(response.ok, `GET was answered with ${response.status}`)
  return new Uint8Array(await response.arrayBuffer())
}

/** Sends a request that must be answered with 4xx. */
export async function assertRefused(
  method: string,
  request: PresignedRequest,
  body?: Uint8Array,
): Promise<void> {
  const response = await send(method, request, body)
  await response.arrayBuffer()
  assert.ok(response.status >= 400 && response.status < 500, `${method} was answered with ${response.status}`)
}

/** Sends a request again until it is refused, which shows that its URL has expired. */
export async function waitForRefusal(
  { advance }: PayloadStoreUnderTest,
  ask: () => Promise<Response>,
): Promise<void> {
  // A store may round up to whole seconds, and a second more.
  await advance?.(4000)
  const end = Date.now() + (advance === undefined ? EXPIRY_LIMIT_MS : 0)
  for (;;) {
    const { status } = await ask()
    if (status === 403) return
    assert.ok(Date.now() < end, `a URL that has expired was answered with ${status}, not 403`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Waits for a rejection with this code. */
export async function rejectsWith(code: TetherErrorCode, work: Promise<unknown>): Promise<TetherError> {
  const error: unknown = await work.then(
    () => assert.fail(`nothing was thrown where ${code} should be`),
    (reason: unknown) => reason,
  )
  if (error instanceof TetherError && error.code === code) return error
  throw new assert.AssertionError({ message: `${code} should be thrown`, actual: error, expected: code })
}

/** Compares bytes, without printing megabytes of them. */
export function assertSame(actual: Uint8Array, expected: Uint8Array): void {
  assert.ok(
    Buffer.compare(actual, expected) === 0,
    `${actual.length} bytes came back that are not the ${expected.length} bytes put`,
  )
}
