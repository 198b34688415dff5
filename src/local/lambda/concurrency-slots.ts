/** Counts what runs at once against a maximum. */
export class ConcurrencySlots {
  #max: number
  #taken = 0
  #waiting: (() => void)[] = []

  constructor(max: number) {
    this.#max = max
  }

  get max(): number {
    return this.#max
  }

  /** Sets another maximum, and lets in who may now go. What runs beyond it runs on. */
  resize(max: number): void {
    this.#max = max
    while (this.#waiting.length > 0 && this.tryTake()) this.#waiting.shift()?.()
  }

  /** Takes a slot if one is free. */
  tryTake(): boolean {
    if (this.#taken >= this.#max) return false
    this.#taken += 1
    return true
  }

  /** Takes a slot, in turn; never resolves after {@link close}. */
  async take(): Promise<void> {
    if (!this.tryTake()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  /** Gives a slot back, to the first who waits. */
  release(): void {
    const next = this.#taken > this.#max ? undefined : this.#waiting.shift()
    if (next === undefined) this.#taken -= 1
    else next()
  }

  /** Forgets who waits. */
  close(): void {
    this.#waiting = []
  }
}
