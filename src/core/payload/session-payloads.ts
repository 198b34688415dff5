import { createHash, randomBytes } from 'node:crypto'
import { TetherError } from '../base/errors.js'
import type { PayloadStore, PresignedRequest } from '../contracts/payload-store.js'
import type { AbortOptions } from '../contracts/transport.js'
import type { PackedBody } from '../wire/compress.js'
import type { Counters } from '../wire/counters.js'
import type { StoredBody } from '../wire/protocol.js'
import { openBody, sealBody } from './stored-body.js'

export interface SessionPayloadsOptions {
  readonly store: PayloadStore | undefined
  readonly app: string
  readonly stage: string
  /** A larger body, once packed, goes to the store. */
  readonly inlineBytes: number
  readonly counters: Counters
  /** Reports failures of background operations. */
  onFailure(error: TetherError): void
}

/** A response in the store, or on its way there. */
export interface StoredResponse {
  /**
   * Everything that its stub needs to fetch it. Signed anew each time, since an earlier URL may have expired.
   * @throws TetherError `STORE_FAILED`
   */
  reference(): Promise<StoredBody & { readonly request: PresignedRequest }>
  /** Deletes it, once it is no longer needed. */
  drop(): void
}

/** The limit on a body: Lambda allows 6 MB, and a stub's JSON may be a little longer. */
export const MAX_STORED_BYTES = 8 * 1024 * 1024
// The longest run of a function.
const URL_LIFE_MS = 900_000

/** The session's use of its payload store: random keys under one prefix, sealed bodies, fresh URLs. */
export class SessionPayloads {
  readonly #options: SessionPayloadsOptions
  readonly #prefix: string

  constructor(options: SessionPayloadsOptions) {
    this.#options = options
    const scope = createHash('sha256')
      .update(JSON.stringify([options.app, options.stage]))
      .digest('hex')
    this.#prefix = `${scope.slice(0, 16)}/`
  }

  /** A larger body, once packed, does not fit one frame. */
  get inlineBytes(): number {
    return this.#options.inlineBytes
  }

  /** A place for a stub's event, or undefined without a store. @throws TetherError `STORE_FAILED`, `TOO_LARGE` */
  async presignEvent(bytes: number): Promise<{ key: string; request: PresignedRequest } | undefined> {
    const { store } = this.#options
    if (store === undefined) return undefined
    if (bytes > MAX_STORED_BYTES) {
      throw new TetherError('TOO_LARGE', `An event of ${bytes} bytes exceeds ${MAX_STORED_BYTES}.`)
    }
    const key = this.#newKey()
    return { key, request: await store.presignPut(key, { bytes, expiresInMs: URL_LIFE_MS }) }
  }

  /** Reads a stub's event, verifies it, and deletes it. @throws TetherError `STORE_FAILED`, `TOO_LARGE`, `ABORTED` */
  async takeEvent(stored: StoredBody, options: AbortOptions = {}): Promise<Buffer> {
    const { store, counters } = this.#options
    if (store === undefined || !stored.key.startsWith(this.#prefix)) {
      throw new TetherError(
        'STORE_FAILED',
        'An event was put where this session has no store. Give both sessions of a name one store.',
      )
    }
    const object = await store.get(stored.key, {
      ...options,
      maxBytes: Math.min(stored.bytes, MAX_STORED_BYTES),
    })
    const event = openBody(stored, object, MAX_STORED_BYTES)
    counters.eventsOffloaded++
    counters.bodyBytesReceived += event.length
    counters.compressedBytesReceived += object.length
    this.delete(stored)
    return event
  }

  /** Puts a response into the store if it is too large to send; otherwise returns undefined. */
  putResponse(body: PackedBody): StoredResponse | undefined {
    const { store, inlineBytes, counters } = this.#options
    if (store === undefined || body.bytes.length <= inlineBytes) return undefined
    const { secret, object } = sealBody(body)
    const stored = { key: this.#newKey(), secret, bytes: object.length }
    const done = store.put(stored.key, object).then(() => {
      counters.responsesOffloaded++
      counters.bodyBytesSent += body.bodyBytes
      counters.compressedBytesSent += object.length
    })
    return {
      async reference() {
        await done
        return { ...stored, request: await store.presignGet(stored.key, { expiresInMs: URL_LIFE_MS }) }
      },
      // A put still under way would otherwise finish after its deletion.
      drop: () => void done.then(() => this.delete(stored)).catch(() => {}),
    }
  }

  /** Deletes an object that is no longer needed. If that fails, the lifecycle rule deletes it later. */
  delete({ key }: StoredBody): void {
    this.#options.store?.delete(key).catch((error: TetherError) => this.#options.onFailure(error))
  }

  /** Reports a failure. */
  failed(error: TetherError): void {
    this.#options.onFailure(error)
  }

  #newKey(): string {
    return this.#prefix + randomBytes(16).toString('base64url')
  }
}
