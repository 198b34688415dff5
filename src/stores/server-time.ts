import type { Clock } from '../core/base/clock.js'

/** How long to wait for an answer that only has to say what time it is. */
const ASK_TIMEOUT_MS = 2000

/**
 * What time it is where signatures are checked: a presigned URL is refused when the clock that dated it is wrong, and it is
 * used by others, who cannot sign it again. So the first use asks the server, and every answer corrects it.
 */
export class ServerTime {
  readonly #clock: Clock
  #offsetMs: number | undefined
  #asking: Promise<void> | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Unix milliseconds by the server's clock, or by the own one where the server does not answer. */
  async now(url: string): Promise<number> {
    if (this.#offsetMs === undefined) {
      this.#asking ??= this.#ask(url)
      await this.#asking
    }
    return this.#clock.now() + (this.#offsetMs ?? 0)
  }

  /** Fetches, and learns the time from the answer. */
  readonly fetch: typeof fetch = async (input, init) => {
    const response = await fetch(input, init)
    const date = Date.parse(response.headers.get('date') ?? '')
    if (!Number.isNaN(date)) this.#offsetMs = date - this.#clock.now()
    return response
  }

  async #ask(url: string): Promise<void> {
    try {
      // Unsigned: any answer has the time, a refusal as well.
      const signal = AbortSignal.timeout(ASK_TIMEOUT_MS)
      await this.fetch(url, { method: 'HEAD', redirect: 'manual', signal })
    } catch {
      // Whoever uses the URL will find out why.
    } finally {
      this.#asking = undefined
    }
  }
}
