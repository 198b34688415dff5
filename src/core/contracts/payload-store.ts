import type { AbortOptions } from './transport.js'

/**
 * A URL that allows one operation on one object until it expires. Secret as long as it is valid: never in a message or
 * log.
 */
export interface PresignedRequest {
  readonly url: string
  /** Headers that the request must carry unchanged. */
  readonly headers: Readonly<Record<string, string>>
}

export interface PresignOptions extends AbortOptions {
  /** How long the URL is valid, in milliseconds. */
  readonly expiresInMs: number
}

/**
 * Holds large payloads: opaque, sealed bytes under random keys. Only the session's side has its credentials; a stub
 * moves bytes with `fetch` through presigned requests.
 */
export interface PayloadStore {
  /** For messages and statistics: `memory`, `s3`. */
  readonly name: string
  /** @throws TetherError `STORE_FAILED`, `ABORTED` */
  put(key: string, body: Uint8Array, options?: AbortOptions): Promise<void>
  /**
   * Returns the object's bytes. Refuses an object of more than `maxBytes` before reading it.
   * @throws TetherError `STORE_FAILED` (with `details.reason` `object-missing` if the object does not exist, so that a
   * stub puts its event again), `TOO_LARGE`, `ABORTED`
   */
  get(key: string, options: AbortOptions & { readonly maxBytes: number }): Promise<Uint8Array>
  /** Deletes an object; a missing object is not an error. @throws TetherError `STORE_FAILED`, `ABORTED` */
  delete(key: string, options?: AbortOptions): Promise<void>
  /** A `PUT` of exactly `bytes` bytes. @throws TetherError `STORE_FAILED`, `ABORTED` */
  presignPut(key: string, options: PresignOptions & { readonly bytes: number }): Promise<PresignedRequest>
  /** A `GET`. @throws TetherError `STORE_FAILED`, `ABORTED` */
  presignGet(key: string, options: PresignOptions): Promise<PresignedRequest>
}
