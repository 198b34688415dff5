import { batch, type Signal, signal } from '@preact/signals'
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Head, HeadPage, Status } from '../api/contract.js'
import { readStream, type StreamEvent, type StreamState } from '../api/event-stream.js'
import { fetchJson } from '../api/request.js'
import { type Filter, matches, NO_FILTER } from './filter.js'
import { OpenInvocation } from './opened.js'
import { Replay } from './replay.js'
import { addressOf, type Place, routeOf } from './route.js'
import { Rows } from './rows.js'
import { TextSearch } from './text-search.js'

const PAGE_ROWS = 500
/** How often counts are read again while invocations arrive: the stream tells everything else of the status. */
const COUNTS_MS = 2_000

/** Everything that the page knows. */
export class PageState {
  readonly route: Signal<Place>
  readonly status: Signal<Status | undefined> = signal(undefined)
  readonly stream: Signal<StreamState> = signal('connecting')
  readonly filter: Signal<Filter> = signal(NO_FILTER)
  readonly visible: Signal<readonly string[]> = signal([])
  readonly waiting = signal(0)
  /** Functions that were invoked. */
  readonly functionIds: Signal<readonly string[]> = signal([])
  /** Raised when a row has changed. */
  readonly version = signal(0)
  /** Whether the list has been read once. */
  readonly loaded = signal(false)
  readonly dialog: Signal<'help' | 'diagnosis' | undefined> = signal(undefined)
  readonly opened = new OpenInvocation()
  readonly replay = new Replay()
  readonly rows: Rows = new Rows((head) => matches(this.filter.value, head, this.#search.found))
  readonly #search: TextSearch = new TextSearch((heads) => this.#found(heads))
  #hold = false
  #drawing = false
  #countsTimer: number | undefined
  #listing: AbortController | undefined

  constructor() {
    this.route = signal(routeOf(location))
    this.opened.open(this.route.value.id)
    window.addEventListener('popstate', () => this.#follow(routeOf(location)))
  }

  /** Reads the host until `signal` aborts. */
  run(signal: AbortSignal): Promise<void> {
    const state = (state: StreamState) => this.#streamIs(state)
    return readStream({ state, event: (event) => this.#take(event) }, signal)
  }

  /** Shows a view or an invocation, by its address, so that Back returns. */
  go(change: Partial<Place>): void {
    const route = { ...this.route.value, ...change }
    if (addressOf(route) === addressOf(this.route.value)) return
    history.pushState(undefined, '', addressOf(route))
    this.#follow(route)
  }

  /** Whether the user reads further down, so that rows must not move. */
  hold(hold: boolean): void {
    if (hold === this.#hold) return
    this.#hold = hold
    if (!hold) this.release()
  }

  release(): void {
    this.rows.release()
    this.#draw()
  }

  setFilter(change: Partial<Filter>): void {
    this.filter.value = { ...this.filter.value, ...change }
    if (change.text !== undefined) this.#search.search(change.text)
    this.rows.release()
    this.#draw()
  }

  /** Opens the next invocation of the list, or the previous. */
  step(by: 1 | -1): void {
    const visible = this.visible.value
    const at = visible.indexOf(this.route.value.id ?? '')
    const id = visible[at === -1 ? 0 : Math.max(0, Math.min(at + by, visible.length - 1))]
    if (id !== undefined) this.go({ view: 'invocations', id })
  }

  #follow(route: Place): void {
    batch(() => {
      if (route.id !== this.route.value.id) this.replay.reset()
      this.route.value = route
      this.opened.open(route.id)
    })
  }

  #streamIs(state: StreamState): void {
    const known = this.stream.value
    this.stream.value = state
    if (state !== 'open' || known === 'open') return
    if (!this.loaded.value) void this.#list()
    this.opened.refresh()
  }

  #take({ name, data }: StreamEvent): void {
    if (name === 'invocation') {
      const heads = (Array.isArray(data) ? data : [data]) as readonly Head[]
      this.rows.put(heads, this.#hold)
      for (const { id } of heads) this.opened.changed(id)
      this.#search.again()
      this.#draw()
    } else if (name === 'log') {
      const lines = (Array.isArray(data) ? data : [data]) as readonly { readonly id?: string }[]
      for (const { id } of lines) if (id !== undefined) this.opened.changed(id)
      this.#search.again()
    } else if (name === 'status') {
      this.status.value = data as Status
      return
    } else if (name === 'reset') {
      this.rows.clear()
      this.#draw()
      void this.#list()
      this.opened.refresh()
    }
    this.#countsChanged()
  }

  async #list(): Promise<void> {
    this.#listing?.abort()
    const listing = new AbortController()
    this.#listing = listing
    const { signal } = listing
    try {
      let cursor = ''
      let more = true
      while (more && this.rows.size < 20 * PAGE_ROWS) {
        const page = await fetchJson<HeadPage>(
          `/api/invocations?limit=${PAGE_ROWS}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
          signal,
        )
        this.rows.putOlder(page.invocations, this.#hold)
        ;({ cursor, more } = page)
        this.#draw()
        this.loaded.value = true
      }
    } catch {
      // The stream reports that the host is away; the list is read when it is back.
    }
  }

  #found(heads: readonly Head[]): void {
    this.rows.putOlder(heads, false)
    this.#draw()
  }

  /** At most once for each frame of the screen. */
  #draw(): void {
    if (this.#drawing) return
    this.#drawing = true
    const draw = () => {
      this.#drawing = false
      batch(() => {
        this.visible.value = this.rows.visible
        this.waiting.value = this.rows.waiting
        const { functionIds } = this.rows
        if (functionIds.size !== this.functionIds.value.length) this.functionIds.value = [...functionIds]
        this.version.value++
      })
    }
    // A hidden tab draws no frames, and must not wait for one.
    if (document.hidden) window.queueMicrotask(draw)
    else requestAnimationFrame(draw)
  }

  #countsChanged(): void {
    this.#countsTimer ??= window.setTimeout(async () => {
      this.#countsTimer = undefined
      try {
        this.status.value = await fetchJson<Status>('/api/status')
      } catch {
        // As above: the stream reports it.
      }
    }, COUNTS_MS)
  }
}

const Page = createContext<PageState | undefined>(undefined)

export const PageProvider = Page.Provider

export function usePage(): PageState {
  return useContext(Page)!
}
