import type { ServerResponse } from 'node:http'
import type { Cancel, Clock } from '../../core/base/clock.js'
import type { Redactor } from '../../recorder/redact/redactor.js'
import { SECURITY_HEADERS } from '../server/respond.js'
import { cursorOf, numberOfCursor } from '../view/cursor.js'
import type { Feed, FeedChange } from '../view/feed.js'
import type { Heads } from '../view/head.js'
import { buildProblem, type InspectorStatus } from './status.js'

/** Kept for reconnecting clients. */
const MAX_MESSAGES = 1_000
/** 20 times a second. */
const EVERY_MS = 50
const PING_MS = 15_000
/** A client that reads too slowly is disconnected, and resumes. */
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024
/** Lines in one message; for more, the client reads the invocation. */
const MAX_LINES = 200

interface Message {
  readonly event: string
  /** Computed when it is sent; undefined if the message is obsolete by then. */
  data(): unknown
}

export interface ChangeStreamOptions {
  readonly feed: Feed
  readonly heads: Heads
  readonly redactor: Redactor
  readonly clock: Clock
  status(): InspectorStatus
}

/**
 * Sends changes to clients by server-sent events. Several changes of the same thing between two messages are sent once.
 */
export class ChangeStream implements Disposable {
  readonly #options: ChangeStreamOptions
  readonly #clients = new Set<ServerResponse>()
  readonly #watch: Disposable
  /** The messages of the next turn. */
  readonly #pending = new Map<string, Message>()
  readonly #lineStarts = new Map<string, number>()
  /** The latest messages; the last has the number `#last`. */
  readonly #messages: Message[] = []
  #last = 0
  #sentAt = Number.NEGATIVE_INFINITY
  #cancelTurn: Cancel | undefined
  #cancelPing: Cancel | undefined

  constructor(options: ChangeStreamOptions) {
    this.#options = options
    this.#watch = options.feed.watch((change) => this.#note(change))
  }

  /**
   * Sends the missed messages, the status, and from then on each change.
   * @param lastId id of the client's last message
   */
  connect(response: ServerResponse, lastId: string | undefined): undefined {
    this.#turn()
    response.writeHead(200, { ...SECURITY_HEADERS, 'Content-Type': 'text/event-stream; charset=utf-8' })
    response.write('retry: 500\n\n')
    const { feed } = this.#options
    const number = numberOfCursor(feed.start, lastId)
    const missed = number === undefined ? undefined : this.#last - number
    const isReset =
      lastId !== undefined && (missed === undefined || missed < 0 || missed > this.#messages.length)
    if (missed !== undefined && !isReset && missed > 0) this.#send([response], this.#messages.slice(-missed))
    const now: Message[] = [{ event: 'status', data: this.#options.status }]
    if (isReset) now.unshift({ event: 'reset', data: () => ({}) })
    for (const each of now) response.write(this.#text(each, this.#last))
    this.#clients.add(response)
    response.on('close', () => {
      this.#clients.delete(response)
      if (this.#clients.size === 0) this.#cancelPing?.()
    })
    if (this.#clients.size === 1) this.#ping()
    return undefined
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]()
    this.#cancelTurn?.()
    this.#cancelPing?.()
    for (const client of this.#clients) client.end()
  }

  #note(change: FeedChange): void {
    const { feed, heads, status } = this.#options
    switch (change.kind) {
      case 'invocation': {
        const { id } = change.record
        const data = () => {
          const record = feed.get(id)
          return record && heads.of(record)
        }
        this.#add(`invocation ${id}`, { event: 'invocation', data })
        break
      }
      case 'log':
        this.#noteLines(change)
        break
      case 'status':
        this.#add('status', { event: 'status', data: status })
        break
      case 'reload': {
        const { functionId, durationMs, error, warnings } = change.event
        const data = { functionId, durationMs, warnings, ...(error && { error: buildProblem(error) }) }
        this.#add(`reload ${functionId}`, { event: 'reload', data: () => data })
        this.#add('status', { event: 'status', data: status })
        break
      }
      case 'discard': {
        const { discard } = change
        this.#add(`discard ${discard.message}`, { event: 'discard', data: () => discard })
      }
    }
  }

  #noteLines({ record: { id }, from, to }: Extract<FeedChange, { kind: 'log' }>): void {
    const { feed, redactor } = this.#options
    const start = this.#lineStarts.get(id) ?? from
    this.#lineStarts.set(id, start)
    const end = Math.min(to, start + MAX_LINES)
    const data = () => {
      const record = feed.get(id)
      if (record === undefined) return undefined
      const lines = redactor.lines(record, start, end)
      const { functionId, timing } = record
      return {
        id,
        functionId,
        lines: lines.map(({ atMs, stream, level, text }) => ({
          atMs: atMs - timing.receivedMs,
          stream,
          ...(level && { level }),
          text,
        })),
        ...(end < to && { more: true }),
      }
    }
    this.#add(`log ${id}`, { event: 'log', data })
  }

  #add(key: string, message: Message): void {
    this.#pending.set(key, message)
    // Without clients, messages are not computed before a client connects.
    if (this.#clients.size === 0) {
      if (this.#pending.size > MAX_MESSAGES) this.#turn()
      return
    }
    if (this.#cancelTurn !== undefined) return
    const { clock } = this.#options
    const inMs = Math.max(0, Math.min(EVERY_MS, this.#sentAt + EVERY_MS - clock.now()))
    this.#cancelTurn = clock.schedule(inMs, () => this.#turn())
  }

  #turn(): void {
    this.#cancelTurn?.()
    this.#cancelTurn = undefined
    this.#sentAt = this.#options.clock.now()
    const messages = [...this.#pending.values()]
    this.#pending.clear()
    this.#lineStarts.clear()
    this.#last += messages.length
    this.#messages.push(...messages)
    if (this.#messages.length > MAX_MESSAGES) this.#messages.splice(0, this.#messages.length - MAX_MESSAGES)
    this.#send([...this.#clients], messages)
  }

  /** @param messages the latest */
  #send(clients: readonly ServerResponse[], messages: readonly Message[]): void {
    if (clients.length === 0 || messages.length === 0) return
    const first = this.#last - messages.length + 1
    const text = messages.map((message, index) => this.#text(message, first + index)).join('')
    for (const client of clients) {
      if (client.writableLength > MAX_BUFFERED_BYTES) client.destroy()
      else client.write(text)
    }
  }

  #text({ event, data }: Message, number: number): string {
    const value = data()
    if (value === undefined) return ''
    return `id: ${cursorOf(this.#options.feed.start, number)}\nevent: ${event}\ndata: ${JSON.stringify(value)}\n\n`
  }

  #ping(): void {
    this.#cancelPing = this.#options.clock.schedule(PING_MS, () => {
      for (const client of this.#clients) client.write(': \n\n')
      this.#ping()
    })
  }
}
