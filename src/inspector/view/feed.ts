import { randomBytes } from 'node:crypto'
import type { Clock } from '../../core/base/clock.js'
import type { ChunkEvent, DisplacedEvent, SessionEvents } from '../../core/session/events.js'
import type { Session } from '../../core/session/session.js'
import type { InvocationRecord } from '../../recorder/record.js'
import type { Recorder } from '../../recorder/recorder.js'
import { type DiscardCount, Discards } from './discards.js'
import { Overlaps } from './overlaps.js'
import { Streams } from './streams.js'

/** A change of the session or of an invocation. */
export type FeedChange =
  /** An invocation is new or has changed. */
  | { readonly kind: 'invocation'; readonly record: InvocationRecord }
  /** An invocation has written lines: from `from` to before `to`. */
  | { readonly kind: 'log'; readonly record: InvocationRecord; readonly from: number; readonly to: number }
  | { readonly kind: 'status' }
  | { readonly kind: 'reload'; readonly event: Parameters<SessionEvents['reload']>[0] }
  | { readonly kind: 'discard'; readonly discard: DiscardCount }

/** An invocation and its place in the order of arrival. */
export interface Numbered {
  readonly number: number
  readonly record: InvocationRecord
}

/** The events of a session for observers: numbers the recorder's invocations and reports changes. */
export class Feed implements Disposable {
  /** Identifies this start, before the number in each cursor: numbers begin anew with each start. */
  readonly start = randomBytes(6).toString('base64url').replaceAll('-', '_')
  readonly discards: Discards
  readonly streams = new Streams()
  readonly overlaps = new Overlaps()
  readonly #recorder: Recorder
  readonly #session: Session
  readonly #listeners: Partial<SessionEvents>
  /** Numbers by id, in the order of arrival. */
  readonly #numbers = new Map<string, number>()
  /** Number of reported lines of each invocation. */
  readonly #lines = new WeakMap<InvocationRecord, number>()
  readonly #watchers = new Set<(change: FeedChange) => void>()
  #last = 0
  #displaced: DisplacedEvent | undefined

  constructor(session: Session, recorder: Recorder, clock: Clock) {
    this.discards = new Discards(clock)
    this.#session = session
    this.#recorder = recorder
    for (const { id } of recorder.records()) this.#numbers.set(id, ++this.#last)
    const changed = ({ id }: { readonly id: string }) => this.#changed(id)
    const ended = ({ id }: { readonly id: string }) => {
      const record = recorder.get(id)
      if (record !== undefined) this.streams.end(record)
      this.#changed(id)
    }
    this.#listeners = {
      invoke: changed,
      ack: changed,
      chunk: (invocation, chunk) => this.#streamed(invocation.id, chunk),
      respond: ended,
      fail: ended,
      decline: changed,
      sent: changed,
      log: ({ invocationId }) => this.#logged(invocationId),
      status: () => this.#tell({ kind: 'status' }),
      team: () => this.#tell({ kind: 'status' }),
      overlap: (_, { also }) => {
        this.overlaps.add(also)
        this.#tell({ kind: 'status' })
      },
      reload: (event) => this.#tell({ kind: 'reload', event }),
      discard: (discard) => this.#tell({ kind: 'discard', discard: this.discards.add(discard) }),
      displaced: (displaced) => {
        this.#displaced = displaced
        this.#tell({ kind: 'status' })
      },
    }
    for (const [name, listener] of Object.entries(this.#listeners))
      session.on(name as keyof SessionEvents, listener as never)
  }

  /** The session that has taken the name. */
  get displaced(): DisplacedEvent | undefined {
    return this.#displaced
  }

  /** The number of the newest invocation. */
  get last(): number {
    return this.#last
  }

  get(id: string): InvocationRecord | undefined {
    return this.#recorder.get(id)
  }

  /** Lists the recorded invocations, newest first. @param before only invocations with lower numbers */
  *newest(before = Number.POSITIVE_INFINITY): Iterable<Numbered> {
    for (const [id, number] of [...this.#numbers].reverse()) {
      if (number >= before) continue
      const record = this.#recorder.get(id)
      if (record !== undefined) yield { number, record }
    }
  }

  /** An invocation's number. */
  numberOf(id: string): number | undefined {
    return this.#numbers.get(id)
  }

  /** Calls a watcher at once with each change. */
  watch(watcher: (change: FeedChange) => void): Disposable {
    this.#watchers.add(watcher)
    return { [Symbol.dispose]: () => void this.#watchers.delete(watcher) }
  }

  [Symbol.dispose](): void {
    for (const [name, listener] of Object.entries(this.#listeners))
      this.#session.off(name as keyof SessionEvents, listener as never)
    this.#watchers.clear()
  }

  #changed(id: string): void {
    const record = this.#recorder.get(id)
    if (record === undefined) return
    if (!this.#numbers.has(id)) {
      this.#numbers.set(id, ++this.#last)
      this.#forget()
    }
    this.#tell({ kind: 'invocation', record })
  }

  #streamed(id: string, chunk: ChunkEvent): void {
    const record = this.#recorder.get(id)
    if (record === undefined) return
    this.streams.add(record, chunk)
    this.#changed(id)
  }

  #logged(id: string): void {
    const record = this.#recorder.get(id)
    if (record === undefined) return
    const to = record.logs.length
    const from = this.#lines.get(record) ?? Math.max(0, to - 1)
    // The recorder may have had no room for the line.
    if (from >= to) return
    this.#lines.set(record, to)
    this.#tell({ kind: 'log', record, from, to })
  }

  /** The recorder drops its oldest first. */
  #forget(): void {
    for (const id of this.#numbers.keys()) {
      if (this.#recorder.get(id) !== undefined) return
      this.#numbers.delete(id)
    }
  }

  #tell(change: FeedChange): void {
    for (const watcher of this.#watchers) watcher(change)
  }
}
