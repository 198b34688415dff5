import type { Head } from '../api/contract.js'

/** Beyond this number, the oldest rows are dropped. */
const MAX_ROWS = 10_000

/**
 * The rows of the list, newest first. While the user reads, new invocations wait and no visible row moves: rows change
 * in place, and older ones are added at the end.
 */
export class Rows {
  readonly #heads = new Map<string, Head>()
  readonly #functionIds = new Set<string>()
  #order: string[] = []
  #waiting: string[] = []
  #visible: string[] = []
  readonly #matches: (head: Head) => boolean

  constructor(matches: (head: Head) => boolean) {
    this.#matches = matches
  }

  get size(): number {
    return this.#heads.size
  }

  /** Ids of the visible rows, newest first. Another array after each change. */
  get visible(): readonly string[] {
    return this.#visible
  }

  /** All invoked functions, including functions that the session does not serve. */
  get functionIds(): ReadonlySet<string> {
    return this.#functionIds
  }

  /** Number of waiting invocations that the filter would show. */
  get waiting(): number {
    return this.#waiting.filter((id) => this.#matches(this.#heads.get(id)!)).length
  }

  get(id: string): Head | undefined {
    return this.#heads.get(id)
  }

  /** Adds or changes invocations, oldest first. @param hold whether new ones wait */
  put(heads: readonly Head[], hold: boolean): void {
    for (const head of heads) {
      const known = this.#heads.get(head.id)
      // An answer to a request may be older than the stream's last event.
      if (known !== undefined && known.state !== 'running' && head.state === 'running') continue
      this.#set(head)
      if (known === undefined) this.#insert(hold ? this.#waiting : this.#order, head, 'first')
    }
    if (!hold) this.refresh()
  }

  /**
   * Adds invocations older than all shown ones, newest first, as the server lists them.
   * @param hold whether no row may move
   */
  putOlder(heads: readonly Head[], hold: boolean): void {
    const added = heads.filter(({ id }) => !this.#heads.has(id))
    for (const head of added) this.#set(head)
    for (const head of added) this.#insert(this.#order, head, 'last')
    if (!hold) return this.refresh()
    this.#visible = [...this.#visible, ...added.filter(this.#matches).map(({ id }) => id)]
  }

  /** Shows the waiting invocations. */
  release(): void {
    for (const id of this.#waiting.toReversed()) this.#insert(this.#order, this.#heads.get(id)!, 'first')
    this.#waiting = []
    this.refresh()
  }

  /** Filters anew. */
  refresh(): void {
    for (const id of this.#order.splice(MAX_ROWS)) this.#heads.delete(id)
    for (const id of this.#waiting.splice(MAX_ROWS)) this.#heads.delete(id)
    this.#visible = this.#order.filter((id) => this.#matches(this.#heads.get(id)!))
  }

  clear(): void {
    this.#heads.clear()
    this.#order = []
    this.#waiting = []
    this.#visible = []
  }

  #set(head: Head): void {
    this.#heads.set(head.id, head)
    this.#functionIds.add(head.functionId)
  }

  /** Inserts a row before all older ones, as the first or the last of its millisecond. */
  #insert(order: string[], { id, at }: Head, place: 'first' | 'last'): void {
    let low = 0
    let high = order.length
    while (low < high) {
      const middle = (low + high) >> 1
      const other = this.#heads.get(order[middle]!)!.at
      if (other > at || (other === at && place === 'last')) low = middle + 1
      else high = middle
    }
    order.splice(low, 0, id)
  }
}
