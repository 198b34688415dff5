import type { Endpoint } from '../../core/contracts/transport.js'

const MAX_REMEMBERED = 10_000

/** Remembers the connection on which each endpoint was last heard. Outlives the connection that learned it. */
export class Addresses {
  readonly #ids = new Map<string, string>()

  get(endpoint: Endpoint): string | undefined {
    return this.#ids.get(keyOf(endpoint))
  }

  learn(endpoint: Endpoint, connectionId: string): void {
    const key = keyOf(endpoint)
    // Maps iterate in insertion order: evicts the endpoint heard longest ago.
    this.#ids.delete(key)
    this.#ids.set(key, connectionId)
    if (this.#ids.size <= MAX_REMEMBERED) return
    for (const oldest of this.#ids.keys()) {
      this.#ids.delete(oldest)
      return
    }
  }

  /** Forgets an address unless a newer one was learned meanwhile. */
  forget(endpoint: Endpoint, connectionId: string): void {
    const key = keyOf(endpoint)
    if (this.#ids.get(key) === connectionId) this.#ids.delete(key)
  }
}

function keyOf({ app, stage, role, name }: Endpoint): string {
  return JSON.stringify([app, stage, role, name])
}
