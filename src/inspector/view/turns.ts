import { setImmediate } from '../../core/base/timers.js'

/** Lets the session have its turn while much is looked through. */
export class Turns {
  readonly #everyBytes: number
  #bytes = 0

  constructor(everyBytes: number) {
    this.#everyBytes = everyBytes
  }

  /** Waits for the session's turn, where it is due. @param bytes what was looked through since the last call */
  async after(bytes: number): Promise<void> {
    this.#bytes += bytes
    if (this.#bytes <= this.#everyBytes) return
    this.#bytes = 0
    await new Promise((resolve) => setImmediate(resolve))
  }
}
