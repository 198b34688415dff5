/** A message whose parts stopped coming for this long has lost one: the stub sends it again. */
const STALL_MS = 1_000
/** For how long an invocation that stopped arriving is remembered. */
const REMEMBERED_MS = 60_000
/** How many invocations may be arriving in parts at once. */
const MAX_ARRIVING = 10_000

/** Invocations of which parts have arrived, and not yet all. */
export class Arriving {
  /** When the first and the latest part arrived. */
  readonly #parts = new Map<string, { readonly firstAt: number; readonly lastAt: number }>()

  /** A part has arrived. @returns whether it is the first */
  part(id: string, now: number): boolean {
    const known = this.#parts.get(id)
    // The one whose parts stopped coming longest ago is first, and gives way.
    this.#parts.delete(id)
    this.#parts.set(id, { firstAt: known?.firstAt ?? now, lastAt: now })
    for (const [old, { lastAt }] of this.#parts) {
      if (lastAt >= now - REMEMBERED_MS && this.#parts.size <= MAX_ARRIVING) break
      this.#parts.delete(old)
    }
    return known === undefined
  }

  /** Whether more of it may be on the way. */
  isArriving(id: string, now: number): boolean {
    const lastAt = this.#parts.get(id)?.lastAt
    return lastAt !== undefined && now - lastAt < STALL_MS
  }

  /** All of it is there. @returns when its first part arrived; undefined where it came in one */
  complete(id: string): number | undefined {
    const firstAt = this.#parts.get(id)?.firstAt
    this.#parts.delete(id)
    return firstAt
  }
}
