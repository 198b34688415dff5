import type { PresignedRequest } from '../contracts/payload-store.js'
import type { AbortOptions } from '../contracts/transport.js'
import { type PackedBody, packBody } from '../wire/compress.js'
import type { StoredBody } from '../wire/protocol.js'
import { sealBody, storedBytes } from './stored-body.js'
import { upload } from './transfer.js'

/** An invocation's event on its way to the session: in the message, or in the payload store where it is large. */
export class LargeEvent {
  readonly #event: PackedBody
  readonly #large: boolean
  #stored: StoredBody | undefined

  /** @param inlineBytes what is larger, packed, is worth the store */
  constructor(event: Uint8Array, inlineBytes: number) {
    this.#event = packBody(event)
    this.#large = this.#event.bytes.length > inlineBytes
  }

  /** The length of the object to put, or undefined when the event travels in the message or has been put. */
  get bytesToStore(): number | undefined {
    return this.#large && this.#stored === undefined ? storedBytes(this.#event) : undefined
  }

  /** What the message carries. */
  get content(): { readonly event: PackedBody } | { readonly stored: StoredBody } {
    return this.#stored === undefined ? { event: this.#event } : { stored: this.#stored }
  }

  /** @throws TetherError `STORE_FAILED`, `ABORTED` */
  async put(key: string, request: PresignedRequest, options: AbortOptions): Promise<void> {
    const { object, secret } = sealBody(this.#event)
    await upload(request, object, options)
    this.#stored = { key, secret, bytes: object.length }
  }

  /** A session that had it may have deleted it: another needs it anew. */
  forgetStored(): void {
    this.#stored = undefined
  }
}
