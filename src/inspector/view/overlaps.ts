/** Counts, by member, the session's invocations that this member of the team would have taken as well. */
export class Overlaps {
  readonly #counts = new Map<string, number>()

  add(names: readonly string[]): void {
    for (const name of names) this.#counts.set(name, this.of(name) + 1)
  }

  of(name: string): number {
    return this.#counts.get(name) ?? 0
  }
}
