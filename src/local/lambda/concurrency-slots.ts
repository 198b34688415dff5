/** Limits how many invocations run at once. */
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

  /**
   * Sets a new maximum, and admits waiting invocations that now fit. Running invocations continue, even above the
   * maximum.
   */
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

  /** Takes a slot, in order of arrival; never resolves after {@link close}. */
  async take(): Promise<void> {
    if (!this.tryTake()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  /** Returns a slot, and passes it to the first waiting invocation. */
  release(): void {
    const next = this.#taken > this.#max ? undefined : this.#waiting.shift()
    if (next === undefined) this.#taken -= 1
    else next()
  }

  /** Forgets all waiting invocations. */
  close(): void {
    this.#waiting = []
  }
}
