import type { Cancel, Clock } from '../base/clock.js'

/** The messages of a session to its own name: frames, and the frame that its broker keeps. */
export type OwnWord = 'frames' | 'kept'

export interface EchoOptions {
  readonly clock: Clock
  /** The messages expected to come back. */
  readonly words: readonly OwnWord[]
  /** Sends them again: a broker may lose one. */
  again(): void
  /** These did not come back. Called once until they are heard. */
  onUnheard(words: readonly OwnWord[]): void
  /** All came back, after `onUnheard`: the broker was slow, or its rights have changed. */
  onHeard(): void
}

const ASK_EVERY_MS = 1_000
const ASKS = 3
/** How long a session's own message may take to come back, in milliseconds. */
export const UNHEARD_MS: number = ASKS * ASK_EVERY_MS

/**
 * Detects a broker that accepts a session's messages to its own name but delivers none, as an access list may cause.
 * Invocations would not arrive either.
 */
export class Echo {
  readonly #options: EchoOptions
  #awaited = new Set<OwnWord>()
  #told = false
  #cancel: Cancel = () => {}

  constructor(options: EchoOptions) {
    this.#options = options
  }

  /** Called when the connection is up and the session has sent its first message on it. */
  listen(): void {
    this.stop()
    this.#awaited = new Set(this.#options.words)
    this.#wait(ASKS - 1)
  }

  heard(word: OwnWord): void {
    if (!this.#awaited.delete(word) || this.#awaited.size > 0) return
    this.#cancel()
    if (!this.#told) return
    this.#told = false
    this.#options.onHeard()
  }

  /** Called when the connection is lost or the session ends. */
  stop(): void {
    this.#cancel()
    this.#awaited.clear()
  }

  #wait(asksLeft: number): void {
    const { clock, again, onUnheard } = this.#options
    this.#cancel = clock.schedule(ASK_EVERY_MS, () => {
      if (asksLeft > 0) {
        again()
        return this.#wait(asksLeft - 1)
      }
      if (this.#told) return
      this.#told = true
      onUnheard([...this.#awaited])
    })
  }
}
