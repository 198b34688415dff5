/** What a call's timing depends on beside what it is told. */
export interface CallTimingOptions {
  /** When the function's own time is almost over. */
  readonly giveUpAt: number
  readonly ackTimeoutMs: number
  readonly connectTimeoutMs: number
  /** Whether the broker says that a session is there. */
  online(): boolean
  /** How long a session's first word about an invocation takes, as of late. */
  latencyMs(): number
}

/** What has lasted too long. */
export interface Overdue {
  /** `outage`: no connection; `silence`: no word of a session. */
  readonly what: 'outage' | 'silence'
  readonly lastedMs: number
}

/** What to do at a question's time. */
export interface Due {
  /** Whether to ask: while the answer's parts come, asking would have it sent twice. */
  readonly ask: boolean
  /** Whether to open another connection: this one looks alive and nothing comes back. */
  readonly renew: boolean
}

// From the invocation's last frame, then every three seconds while local code runs: a lost message is a delay.
const ASK_AT_MS = [300, 800, 1_800]
const ASK_EVERY_MS = 3_000
const ACKED_MS = 500
const MAX_STRETCH = 3
const LAST_ASK_BEFORE_MS = 400
const PARTS_STALL_MS = 1_000
/** An answer may come after its session's goodbye. */
const CLOSED_MS = 1_000
/** How many times longer silence may last where the broker says that a session is there. */
const ONLINE_PATIENCE = 4

/** When a call asks for what is missing, and when silence means that nobody is there. Holds no timer and no clock. */
export class CallTiming {
  readonly #options: CallTimingOptions
  #acked = false
  #submittedAt = 0
  #outageAt: number | undefined
  #heardAt = 0
  /** When the session said goodbye. */
  #closedAt = Number.POSITIVE_INFINITY
  #partAt = Number.NEGATIVE_INFINITY
  #asked = 0
  #askedAt = Number.NEGATIVE_INFINITY
  #renewed = false

  constructor(options: CallTimingOptions) {
    this.#options = options
  }

  /** The invocation, or the wish for a place to put it, has left: the wait begins anew. */
  submitted(now: number): void {
    this.#submittedAt = this.#heardAt = now
    this.#asked = 0
  }

  /** The session has said something. @returns how long its first word took, if this is it */
  heard(now: number): number | undefined {
    const first = this.#heardAt <= this.#submittedAt
    this.#heardAt = now
    this.#closedAt = Number.POSITIVE_INFINITY
    this.#renewed = false
    return first ? now - this.#submittedAt : undefined
  }

  /** A part of the answer has arrived. */
  heardPart(now: number): void {
    this.#partAt = this.#heardAt = now
  }

  /** The session has acknowledged: from now on silence says nothing. */
  acknowledged(): void {
    this.#acked = true
  }

  /** No connection is up any more. */
  disconnected(now: number): void {
    this.#outageAt ??= now
  }

  /** A connection is up; silence counts anew after an outage. */
  connected(now: number, waiting: boolean): void {
    if (this.#outageAt !== undefined && waiting) this.#heardAt = now
    this.#outageAt = undefined
  }

  /** The session has said goodbye. */
  closed(now: number): void {
    this.#closedAt = now
  }

  /** Silence counts anew: the session came or went. */
  countAnew(now: number): void {
    this.#heardAt = now
  }

  /** How long connecting may take that begins then, in milliseconds. */
  connectMs(from: number): number {
    return Math.min(this.#options.connectTimeoutMs, this.#halfOfWhatIsLeftAt(from))
  }

  /** When there is something to do next. */
  get wakeAt(): number {
    return Math.min(this.#askAt, this.#silentAt)
  }

  /** What has lasted too long; undefined while there is time. */
  overdue(now: number): Overdue | undefined {
    if (now < this.#silentAt) return undefined
    return this.#outageAt === undefined
      ? { what: 'silence', lastedMs: now - this.#heardAt }
      : { what: 'outage', lastedMs: now - this.#outageAt }
  }

  /** The question that is due; undefined while none is. */
  question(now: number): Due | undefined {
    if (now < this.#askAt) return undefined
    // A frozen process may hold a dead connection. Once for each silence, since a session at a breakpoint is silent too.
    const renew = this.#askedAt > this.#heardAt && !this.#renewed
    this.#renewed ||= renew
    this.#asked++
    this.#askedAt = now
    return { renew, ask: now - this.#partAt > PARTS_STALL_MS }
  }

  get #askAt(): number {
    // Where answers take long, what is asked early only makes them take longer.
    const stretch = Math.min(MAX_STRETCH, Math.max(1, (2 * this.#options.latencyMs()) / ASK_AT_MS[0]!))
    const dueAt = this.#submittedAt + this.#nextAskMs * stretch
    // Who has just said that it runs has no more to say yet.
    const askAt = this.#acked ? Math.max(dueAt, this.#heardAt + ACKED_MS) : dueAt
    // Once more before giving up, where that is not at once.
    const lastAt = this.#silentAt - LAST_ASK_BEFORE_MS
    return lastAt > Math.max(this.#askedAt, this.#submittedAt) ? Math.min(askAt, lastAt) : askAt
  }

  get #silentAt(): number {
    if (this.#acked) return Number.POSITIVE_INFINITY
    if (this.#outageAt !== undefined) return this.#outageAt + this.connectMs(this.#outageAt)
    const { ackTimeoutMs, online } = this.#options
    // A session that is there is silent where its broker is overloaded.
    const patienceMs = online() ? ONLINE_PATIENCE * ackTimeoutMs : ackTimeoutMs
    const silenceMs = Math.min(patienceMs, this.#halfOfWhatIsLeftAt(this.#heardAt))
    return Math.min(this.#heardAt + silenceMs, this.#closedAt + CLOSED_MS)
  }

  /** Waiting for nobody takes no more: the other half is for what happens instead, such as the function's own code. */
  #halfOfWhatIsLeftAt(time: number): number {
    return Math.max(0, this.#options.giveUpAt - time) / 2
  }

  get #nextAskMs(): number {
    const early = ASK_AT_MS[this.#asked]
    if (early !== undefined) return early
    const more = this.#asked - ASK_AT_MS.length + 1
    // Known to run, it is asked for regularly; unheard, ever less often, since many may be waiting.
    return this.#acked ? ASK_AT_MS.at(-1)! + more * ASK_EVERY_MS : ASK_AT_MS.at(-1)! * 2 ** more
  }
}
