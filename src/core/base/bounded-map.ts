/** A map with a cost limit. Over the limit it drops the entries set longest ago, but never the newest. */
export class BoundedMap<K, V> {
  readonly #max: number
  readonly #costOf: (value: V) => number
  readonly #onOver: (value: V) => void
  readonly #entries = new Map<K, V>()
  #cost = 0
  #newest: K | undefined

  /**
   * @param max the limit on the sum of all costs
   * @param costOf the cost of a value; must not change. @default 1
   * @param onOver called for each value dropped because of the limit
   */
  constructor(max: number, costOf: (value: V) => number = () => 1, onOver: (value: V) => void = () => {}) {
    this.#max = max
    this.#costOf = costOf
    this.#onOver = onOver
  }

  get(key: K): V | undefined {
    return this.#entries.get(key)
  }

  entries(): IterableIterator<[K, V]> {
    return this.#entries.entries()
  }

  values(): IterableIterator<V> {
    return this.#entries.values()
  }

  set(key: K, value: V): void {
    // Callers mostly set the same entry again and again.
    if (this.#newest === key && this.#entries.get(key) === value) return
    this.delete(key)
    this.#entries.set(key, value)
    this.#newest = key
    this.#cost += this.#costOf(value)
    for (const [oldest, given] of this.#entries) {
      if (this.#cost <= this.#max || given === value) return
      this.delete(oldest)
      this.#onOver(given)
    }
  }

  clear(): void {
    this.#entries.clear()
    this.#cost = 0
    this.#newest = undefined
  }

  delete(key: K): void {
    const value = this.#entries.get(key)
    if (value === undefined) return
    this.#entries.delete(key)
    this.#cost -= this.#costOf(value)
  }
}
