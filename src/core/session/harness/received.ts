import { BoundedMap } from '../../base/bounded-map.js'
import type { Invocation } from '../invocation.js'

const MAX_BYTES = 32 * 1024 * 1024
const MAX_INVOCATIONS = 1_000

/** The invocations that arrived last, for assertions: at most 1,000, with events of 32 MiB together. */
export class Received {
  readonly #kept = new BoundedMap<string, Invocation>(MAX_BYTES, ({ eventBytes }) =>
    Math.max(eventBytes.length, Math.floor(MAX_BYTES / MAX_INVOCATIONS)),
  )

  add(invocation: Invocation): void {
    this.#kept.set(invocation.id, invocation)
  }

  /** Those of one function, in the order of their arrival. */
  of<E>(functionId: string): Invocation<E>[] {
    return [...this.#kept.values()].filter((each) => each.functionId === functionId) as Invocation<E>[]
  }
}
