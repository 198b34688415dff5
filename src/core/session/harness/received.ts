import { BoundedMap } from '../../base/bounded-map.js'
import type { Invocation } from '../invocation.js'

const MAX_BYTES = 32 * 1024 * 1024
/** What an invocation counts in addition to its event. */
const REST_BYTES = 4_096

/** The invocations that arrived last, for assertions: 32 MiB of them, at most 8,192. */
export class Received {
  readonly #kept = new BoundedMap<string, Invocation>(
    MAX_BYTES,
    ({ eventBytes }) => eventBytes.length + REST_BYTES,
  )

  add(invocation: Invocation): void {
    this.#kept.set(invocation.id, invocation)
  }

  /** Those of one function, in the order of their arrival. */
  of<E>(functionId: string): Invocation<E>[] {
    return [...this.#kept.values()].filter((each) => each.functionId === functionId) as Invocation<E>[]
  }
}
