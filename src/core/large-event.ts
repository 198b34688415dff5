import type { PresignedRequest } from './payload-store.js'
import { upload } from './presigned-transfer.js'
import { type StoredBody, sealBody } from './stored-body.js'
import type { AbortOptions } from './transport.js'

/** An invocation's event on its way to the session: in the message, or in the payload store where it is large. */
export class LargeEvent {
  readonly #event: Uint8Array
  readonly #sealed: ReturnType<typeof sealBody> | undefined
  #stored: StoredBody | undefined

  /** @param inlineBytes what is larger, compressed and sealed, is worth the store */
  constructor(event: Uint8Array, inlineBytes: number) {
    this.#event = event
    const sealed = event.length > inlineBytes ? sealBody(event) : undefined
    this.#sealed = sealed !== undefined && sealed.object.length > inlineBytes ? sealed : undefined
  }

  /** The length of the object to put, or undefined when the event travels in the message or has been put. */
  get bytesToStore(): number | undefined {
    return this.#stored === undefined ? this.#sealed?.object.length : undefined
  }

  /** What the message carries. */
  get content(): { readonly event: Uint8Array } | { readonly stored: StoredBody } {
    return this.#stored === undefined ? { event: this.#event } : { stored: this.#stored }
  }

  /** @throws TetherError `STORE_FAILED`, `ABORTED` */
  async put(key: string, request: PresignedRequest, options: AbortOptions): Promise<void> {
    const { object, secret } = this.#sealed!
    await upload(request, object, options)
    this.#stored = { key, secret, bytes: object.length }
  }

  /** A session that had it may have deleted it: another needs it anew. */
  forgetStored(): void {
    this.#stored = undefined
  }
}
