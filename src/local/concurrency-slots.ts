/** Counts what runs at once against a maximum. */
export class ConcurrencySlots {
  readonly max: number
  #taken = 0
  #waiting: (() => void)[] = []

  constructor(max: number) {
    this.max = max
  }

  /** Takes a slot if one is free. */
  tryTake(): boolean {
    if (this.#taken >= this.max) return false
    this.#taken += 1
    return true
  }

  /** Takes a slot, in turn; never resolves after {@link close}. */
  async take(): Promise<void> {
    if (!this.tryTake()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  /** Gives a slot back, to the first who waits. */
  release(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#taken -= 1
    else next()
  }

  /** Forgets who waits. */
  close(): void {
    this.#waiting = []
  }
}
