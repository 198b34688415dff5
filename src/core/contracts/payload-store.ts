import type { AbortOptions } from './transport.js'

/** A URL that allows one operation on one object until it expires. A secret while it lives: never in a message or log. */
export interface PresignedRequest {
  readonly url: string
  /** Headers that the request must carry as they are. */
  readonly headers: Readonly<Record<string, string>>
}

export interface PresignOptions extends AbortOptions {
  /** How long the URL is good for, in milliseconds. */
  readonly expiresInMs: number
}

/**
 * Holds large payloads: opaque, already sealed bytes under random keys. The session's side alone holds its credentials;
 * a stub moves bytes with `fetch` through presigned requests.
 */
export interface PayloadStore {
  /** For messages and statistics: `memory`, `s3`. */
  readonly name: string
  /** @throws TetherError `STORE_FAILED`, `ABORTED` */
  put(key: string, body: Uint8Array, options?: AbortOptions): Promise<void>
  /**
   * The object's bytes; one of more than `maxBytes` is refused before it is read.
   * @throws TetherError `STORE_FAILED` (with `details.reason` `object-missing` where there is no such object, so that a stub
   * puts its event again), `TOO_LARGE`, `ABORTED`
   */
  get(key: string, options: AbortOptions & { readonly maxBytes: number }): Promise<Uint8Array>
  /** Deleting what is not there is no error. @throws TetherError `STORE_FAILED`, `ABORTED` */
  delete(key: string, options?: AbortOptions): Promise<void>
  /** A `PUT` of exactly `bytes` bytes. @throws TetherError `STORE_FAILED`, `ABORTED` */
  presignPut(key: string, options: PresignOptions & { readonly bytes: number }): Promise<PresignedRequest>
  /** A `GET`. @throws TetherError `STORE_FAILED`, `ABORTED` */
  presignGet(key: string, options: PresignOptions): Promise<PresignedRequest>
}
