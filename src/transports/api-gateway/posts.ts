import type { SigningClock } from '../../aws/signing-clock.js'
import { onAbort } from '../../core/base/abort.js'
import { elapsedMs } from '../../core/base/bounded-time.js'
import type { Clock } from '../../core/base/clock.js'
import { delay } from '../../core/base/delay.js'
import { abortError, TetherError, throwIfAborted } from '../../core/base/errors.js'

/** How the management API answered. */
export interface PostAnswer {
  readonly statusCode: number
  /** Its `Date` header. */
  readonly date?: string
}

/** One request to the management API. */
export interface Post {
  readonly connectionId: string
  readonly text: string
  /** When to sign it, in Unix milliseconds. */
  readonly at: number
  readonly signal: AbortSignal
}

/** Sends requests to the management API, each once. */
export interface Poster {
  /** @throws the network's errors; an answer never throws, regardless of its status */
  post(request: Post): Promise<PostAnswer>
  /** Leaves no socket behind. */
  close(): void
}

/** The outcome of a post: `gone` if the connection no longer exists, `unable` if the relay has to carry the text. */
export type PostOutcome = 'taken' | 'gone' | 'unable'

/** Options of {@link Posts}. */
export interface PostsOptions {
  readonly poster: Poster
  readonly clock: Clock
  readonly signing: SigningClock
  /** From 0 to 1, for jitter. @default Math.random */
  readonly random?: () => number
}

/** How long to wait for an answer, and how long to use the relay after none came. */
const TIMEOUT_MS = 5_000
const REST_MS = 10_000
// 429: the account's rate, or a client that reads too slowly. Shorter than a stub's patience with a frame, 3 s.
const THROTTLED_MS = 2_000
const BACKOFF_MS = 50
/** A kept-alive socket that the server has closed meanwhile fails at once; the next one is new. */
const NETWORK_TRIES = 2

/** One connection's direct way to its peers. */
export class Posts {
  readonly #options: PostsOptions
  readonly #under = new Set<AbortController>()
  #rest: { readonly since: number; readonly forMs: number } | undefined
  #over: TetherError | undefined

  constructor(options: PostsOptions) {
    this.#options = options
  }

  /** Whether a post is worth trying now. */
  get able(): boolean {
    return this.#rest === undefined || elapsedMs(this.#options.clock, this.#rest.since) >= this.#rest.forMs
  }

  /** @throws TetherError `THROTTLED`, `ABORTED`, or why the connection ended */
  async post(connectionId: string, text: string, signal: AbortSignal | undefined): Promise<PostOutcome> {
    const { clock, signing } = this.#options
    const startedAt = clock.now()
    let corrected = false
    let broken = 0
    for (let throttled = 0; ; ) {
      const answer = await this.#attempt(connectionId, text, signal)
      if (answer === 'silent') return this.#unable(REST_MS)
      if (answer === 'broken') {
        if (++broken >= NETWORK_TRIES) return 'unable'
        continue
      }
      const { statusCode } = answer
      if (statusCode >= 200 && statusCode < 300) return 'taken'
      // 400: AWS does not accept the connection id.
      if (statusCode === 410 || statusCode === 400) return 'gone'
      if (statusCode === 429) {
        const delayMs = BACKOFF_MS * 2 ** throttled++ * (0.5 + (this.#options.random ?? Math.random)() / 2)
        const throttledMs = elapsedMs(clock, startedAt)
        if (throttledMs + delayMs > THROTTLED_MS) throw tooMany(throttledMs)
        await this.#wait(delayMs, signal)
        continue
      }
      if (statusCode !== 403) return 'unable'
      // No right to post: use the relay for the rest of this connection.
      if (corrected || !signing.corrected(answer)) return this.#unable(Number.POSITIVE_INFINITY)
      corrected = true
    }
  }

  /** Aborts all posts and closes the poster. */
  end(reason: TetherError): void {
    if (this.#over !== undefined) return
    this.#over = reason
    for (const attempt of this.#under) attempt.abort(reason)
    this.#options.poster.close()
  }

  async #attempt(
    connectionId: string,
    text: string,
    signal: AbortSignal | undefined,
  ): Promise<PostAnswer | 'silent' | 'broken'> {
    const { poster, signing, clock } = this.#options
    let silent = false
    try {
      return await this.#abortable(signal, (attempt) => {
        const cancel = clock.schedule(TIMEOUT_MS, () => {
          silent = true
          attempt.abort()
        })
        const request = { connectionId, text, at: signing.now(), signal: attempt.signal }
        return poster.post(request).finally(cancel)
      })
    } catch (error) {
      if (error instanceof TetherError) throw error
      return silent ? 'silent' : 'broken'
    }
  }

  async #wait(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
    const { clock } = this.#options
    await this.#abortable(signal, (attempt) => delay(delayMs, { clock, signal: attempt.signal }))
  }

  /** Returns the result of `work`. @throws TetherError `ABORTED`, or the reason if the connection ends meanwhile */
  async #abortable<T>(
    signal: AbortSignal | undefined,
    work: (attempt: AbortController) => Promise<T>,
  ): Promise<T> {
    throwIfAborted(signal)
    if (this.#over !== undefined) throw this.#over
    const attempt = new AbortController()
    const unlisten = onAbort(signal, () => attempt.abort(abortError(signal!)))
    this.#under.add(attempt)
    try {
      return await work(attempt)
    } catch (error) {
      throw attempt.signal.reason instanceof TetherError ? attempt.signal.reason : error
    } finally {
      this.#under.delete(attempt)
      unlisten()
    }
  }

  #unable(forMs: number): 'unable' {
    this.#rest = { since: this.#options.clock.now(), forMs }
    return 'unable'
  }
}

function tooMany(ms: number): TetherError {
  return new TetherError(
    'THROTTLED',
    `API Gateway answered 429 for ${Math.round(ms)} ms of ${THROTTLED_MS}: its rate for the account, or a peer that reads too slowly.`,
  )
}
