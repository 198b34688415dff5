import { BoundedMap } from '../../base/bounded-map.js'
import type { Invocation } from '../invocation.js'

const MAX_BYTES = 32 * 1024 * 1024
const MAX_INVOCATIONS = 1_000

/** The latest invocations, for assertions: at most 1,000, with at most 32 MiB of events together. */
export class Received {
  readonly #kept = new BoundedMap<string, Invocation>(MAX_BYTES, ({ eventBytes }) =>
    Math.max(eventBytes.length, Math.floor(MAX_BYTES / MAX_INVOCATIONS)),
  )

  add(invocation: Invocation): void {
    this.#kept.set(invocation.id, invocation)
  }

  /** The invocations of one function, in order of arrival. */
  of<E>(functionId: string): Invocation<E>[] {
    return [...this.#kept.values()].filter((each) => each.functionId === functionId) as Invocation<E>[]
  }
}
