import { setImmediate } from '../../core/base/timers.js'

/** Gives the session its turn during long searches. */
export class Turns {
  readonly #everyBytes: number
  #bytes = 0

  constructor(everyBytes: number) {
    this.#everyBytes = everyBytes
  }

  /** Yields to the session when its turn is due. @param bytes searched since the last call */
  async after(bytes: number): Promise<void> {
    this.#bytes += bytes
    if (this.#bytes <= this.#everyBytes) return
    this.#bytes = 0
    await new Promise((resolve) => setImmediate(resolve))
  }
}
