import { type Signal, signal } from '@preact/signals'
import type { Detail } from '../api/contract.js'
import { fetchJson, invocationPath, RequestError } from '../api/request.js'

/** The open invocation and how far it has been read. */
export type Opened =
  | { readonly state: 'none' }
  | { readonly state: 'reading'; readonly id: string }
  | { readonly state: 'read'; readonly id: string; readonly detail: Detail; readonly revealed: boolean }
  | { readonly state: 'failed'; readonly id: string; readonly message: string }

/** Collects changes of an invocation for this long before reading it again, */
const SETTLE_MS = 100
/** and for this many times the duration of the last read: the host redacts megabytes for it, beside its work. */
const SETTLE_TIMES = 4
const LONGEST_SETTLE_MS = 2_000

/** Reads the open invocation, again whenever it changes. */
export class OpenInvocation {
  readonly shown: Signal<Opened> = signal({ state: 'none' })
  #id: string | undefined
  #revealed = false
  #reading: AbortController | undefined
  /** Whether it has changed since the last read began. */
  #isStale = false
  #tookMs = 0
  #again: number | undefined

  /** Opens another invocation, with its secrets masked. */
  open(id: string | undefined): void {
    if (id === this.#id) return
    this.#id = id
    this.#revealed = false
    this.#reading?.abort()
    this.#reading = undefined
    this.#tookMs = 0
    window.clearTimeout(this.#again)
    this.#again = undefined
    if (id === undefined) this.shown.value = { state: 'none' }
    else {
      this.shown.value = { state: 'reading', id }
      void this.#read(id)
    }
  }

  reveal(): void {
    this.#revealed = true
    if (this.#id !== undefined) void this.#read(this.#id)
  }

  /** Notes that an invocation may have changed: by a line of output, or by its outcome. */
  changed(id: string): void {
    if (id !== this.#id) return
    this.#isStale = true
    this.#readLater(id)
  }

  // Never during a read: an invocation that prints all the time would not be shown before its end.
  #readLater(id: string): void {
    if (!this.#isStale || this.#reading !== undefined || this.#again !== undefined) return
    this.#again = window.setTimeout(
      () => {
        this.#again = undefined
        void this.#read(id)
      },
      Math.min(Math.max(SETTLE_MS, SETTLE_TIMES * this.#tookMs), LONGEST_SETTLE_MS),
    )
  }

  /** Reads it again, after the host was away. */
  refresh(): void {
    if (this.#id !== undefined) void this.#read(this.#id)
  }

  async #read(id: string): Promise<void> {
    this.#reading?.abort()
    const reading = new AbortController()
    this.#reading = reading
    this.#isStale = false
    const revealed = this.#revealed
    const startedAt = performance.now()
    try {
      const detail = await fetchJson<Detail>(invocationPath(id, revealed ? '?reveal=1' : ''), reading.signal)
      if (!reading.signal.aborted) this.shown.value = { state: 'read', id, detail, revealed }
    } catch (error) {
      // The last read stays visible while the host is away.
      const stays = this.shown.value.state === 'read' && !(error instanceof RequestError)
      if (!reading.signal.aborted && !stays)
        this.shown.value = { state: 'failed', id, message: messageFor(error) }
    }
    if (this.#reading !== reading) return
    this.#reading = undefined
    this.#tookMs = performance.now() - startedAt
    this.#readLater(id)
  }
}

function messageFor(error: unknown): string {
  if (!(error instanceof RequestError)) return 'The host does not answer.'
  if (error.status === 404)
    return 'The host does not have this invocation: it was started again since, or has kept newer ones in its place.'
  return error.message
}
