import type { Endpoint } from '../../core/contracts/transport.js'

const MAX_REMEMBERED = 10_000

/** On which connection an endpoint was last heard. What is learned outlives the connection that it was learned on. */
export class Addresses {
  readonly #ids = new Map<string, string>()

  get(endpoint: Endpoint): string | undefined {
    return this.#ids.get(keyOf(endpoint))
  }

  learn(endpoint: Endpoint, connectionId: string): void {
    const key = keyOf(endpoint)
    // Maps iterate in insertion order: the one that was heard longest ago gives way.
    this.#ids.delete(key)
    this.#ids.set(key, connectionId)
    if (this.#ids.size <= MAX_REMEMBERED) return
    for (const oldest of this.#ids.keys()) {
      this.#ids.delete(oldest)
      return
    }
  }

  /** Unless another was learned meanwhile. */
  forget(endpoint: Endpoint, connectionId: string): void {
    const key = keyOf(endpoint)
    if (this.#ids.get(key) === connectionId) this.#ids.delete(key)
  }
}

function keyOf({ app, stage, role, name }: Endpoint): string {
  return JSON.stringify([app, stage, role, name])
}
