import { type Deferred, deferred } from '../../core/base/deferred.js'
import { TetherError, toThrown } from '../../core/base/errors.js'
import type { StreamPart } from './stub-thread-messages.js'

interface PartsOptions {
  /** Requests one more part. */
  ask(): void
  /** The reader has left before the end. */
  leave(): void
  /** No part follows. */
  over(): void
}

/** A stream that the stub's thread delivers part by part, each after the previous one was read. */
export class Parts {
  readonly #options: PartsOptions
  #next: Deferred<StreamPart> | undefined
  #failure: TetherError | undefined

  constructor(options: PartsOptions) {
    this.#options = options
  }

  /** Accepts the requested part. */
  take(part: StreamPart): void {
    this.#next?.resolve(part)
  }

  /** Ends the stream: no part will come. */
  fail(error: TetherError): void {
    this.#failure ??= error
    this.take({ kind: 'end' })
  }

  /** @throws the function's error, or a TetherError, if the stream ends with one */
  async *bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    let over = false
    try {
      for (;;) {
        const part = await this.#ask()
        over = part.kind !== 'bytes'
        if (this.#failure !== undefined) throw this.#failure
        if (part.kind === 'failed') throw new TetherError(part.code, part.message)
        if (part.kind === 'error') throw toThrown(part.error)
        if (part.kind === 'end') return
        yield part.bytes
      }
    } finally {
      if (!over) this.#options.leave()
      this.#options.over()
    }
  }

  #ask(): Promise<StreamPart> {
    this.#next = deferred()
    if (this.#failure === undefined) this.#options.ask()
    else this.take({ kind: 'end' })
    return this.#next.promise
  }
}
