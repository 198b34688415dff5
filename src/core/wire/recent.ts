/** What was set last, by name, up to a maximum: then what was set longest ago gives way. */
export class Recent<V> {
  // Maps iterate in insertion order.
  readonly #entries = new Map<string, V>()
  readonly #max: number
  #latest: string | undefined

  constructor(max: number) {
    this.#max = max
  }

  get(name: string): V | undefined {
    return this.#entries.get(name)
  }

  entries(): IterableIterator<[string, V]> {
    return this.#entries.entries()
  }

  values(): IterableIterator<V> {
    return this.#entries.values()
  }

  set(name: string, value: V): void {
    // Mostly the same one is set again and again.
    if (this.#latest === name && this.#entries.get(name) === value) return
    this.#entries.delete(name)
    this.#entries.set(name, value)
    this.#latest = name
    if (this.#entries.size <= this.#max) return
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest)
      return
    }
  }

  delete(name: string): void {
    this.#entries.delete(name)
  }
}
