import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../core/base/clock.js'

/** The permission of one URL. */
export interface Grant {
  readonly method: 'PUT' | 'GET'
  readonly key: string
  /** How long the URL is valid, in milliseconds. */
  readonly expiresInMs: number
  /** The only body length that a PUT accepts. */
  readonly bytes?: number
}

/** The permission in a URL that was signed here. */
export interface CheckedGrant {
  readonly method: string
  readonly key: string
  readonly bytes: number | undefined
  readonly expired: boolean
}

/** Signs and checks the paths of URLs with its own secret, so that no URL has to be remembered. */
export class UrlSigner {
  readonly #secret = randomBytes(32)
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Returns a path and a query that cannot be forged without the secret. */
  sign({ method, key, expiresInMs, bytes }: Grant): string {
    const query = new URLSearchParams({ method, expires: String(this.#clock.now() + expiresInMs) })
    if (bytes !== undefined) query.set('bytes', String(bytes))
    const unsigned = `/${encodeURIComponent(key)}?${query}`
    return `${unsigned}&signature=${this.#signature(unsigned)}`
  }

  /** Returns a path's permission; undefined if it was not signed here, or was altered. */
  check(path: string): CheckedGrant | undefined {
    const [unsigned = '', signature = ''] = path.split('&signature=')
    const expected = Buffer.from(this.#signature(unsigned))
    const given = Buffer.from(signature)
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined
    const { pathname, searchParams } = new URL(unsigned, 'http://memory')
    const bytes = searchParams.get('bytes')
    return {
      method: searchParams.get('method') ?? '',
      key: decodeURIComponent(pathname.slice(1)),
      bytes: bytes === null ? undefined : Number(bytes),
      expired: this.#clock.now() > Number(searchParams.get('expires')),
    }
  }

  #signature(text: string): string {
    return createHmac('sha256', this.#secret).update(text).digest('base64url')
  }
}
