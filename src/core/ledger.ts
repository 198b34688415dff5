import type { Cancel, Clock } from './clock.js'
import type { Invocation } from './invocation.js'
import type { Sent } from './outgoing.js'
import type { ErrorMessage, ResultMessage } from './protocol.js'

/** What a session knows of one invocation. */
export interface Entry {
  readonly invocation: Invocation
  /** The stub that waits. */
  readonly from: string
  readonly startedAt: number
  readonly abort: AbortController
  /** Something runs it: nothing else may. */
  taken: boolean
  /** The acknowledgement has left, or will after its delay. */
  acked: boolean
  /** `running` until it has its outcome; then what is left of that. */
  state: 'running' | 'answered' | 'ended' | 'evicted'
  answer?: ResultMessage | ErrorMessage
  answerBytes: number
  /** The answer's frames, where it had several: those that were lost are sent again. */
  sent?: Sent
  /** The answer is on its way: asking again must not send it twice. */
  sending: boolean
  readonly timers: Set<Cancel>
}

/** An id outlives its deadline by this long, so that a late duplicate finds it and runs nothing. */
const TOMBSTONE_MS = 120_000
const SWEEP_EVERY_MS = 10_000

/**
 * Every invocation of a session's life that a message may still name: at most one execution each. Answers are
 * kept until the stub has settled them, within a fixed number of bytes; the oldest give way.
 */
export class Ledger {
  readonly #clock: Clock
  readonly #maxAnswerBytes: number
  readonly #entries = new Map<string, Entry>()
  /** Entries that hold an answer, oldest first. */
  readonly #answered = new Set<Entry>()
  #answerBytes = 0
  #sweptAt: number

  constructor(clock: Clock, maxAnswerBytes: number) {
    this.#clock = clock
    this.#maxAnswerBytes = maxAnswerBytes
    this.#sweptAt = clock.now()
  }

  get(id: string): Entry | undefined {
    return this.#entries.get(id)
  }

  add(entry: Entry): void {
    this.#sweep()
    this.#entries.set(entry.invocation.id, entry)
  }

  /** Forgets an invocation that nothing ran. */
  remove(entry: Entry): void {
    this.#drop(entry)
    this.#entries.delete(entry.invocation.id)
  }

  /** Those that have no outcome. */
  running(): Entry[] {
    return [...this.#entries.values()].filter((entry) => entry.state === 'running')
  }

  /** Whether nothing runs and no answer is on its way. */
  get idle(): boolean {
    return ![...this.#entries.values()].some((entry) => entry.state === 'running' || entry.sending)
  }

  /** Ends an entry with the answer the stub is to get. */
  answer(entry: Entry, answer: ResultMessage | ErrorMessage, bytes: number): void {
    this.#end(entry, 'answered')
    entry.answer = answer
    entry.answerBytes = bytes
    this.#answered.add(entry)
    this.#answerBytes += bytes
    for (const oldest of this.#answered) {
      if (this.#answerBytes <= this.#maxAnswerBytes || oldest === entry) break
      this.#drop(oldest)
      oldest.state = 'evicted'
    }
  }

  /** Ends an entry that nobody waits for any more. */
  end(entry: Entry): void {
    this.#drop(entry)
    this.#end(entry, 'ended')
  }

  /** Frees the answers that a stub has received. Only its own: another cannot name them. */
  settle(ids: readonly string[], from: string): void {
    for (const id of ids) {
      const entry = this.#entries.get(id)
      if (entry?.from === from && entry.state === 'answered') this.end(entry)
    }
  }

  #end(entry: Entry, state: Entry['state']): void {
    entry.state = state
    for (const cancel of entry.timers) cancel()
    entry.timers.clear()
  }

  #drop(entry: Entry): void {
    if (!this.#answered.delete(entry)) return
    this.#answerBytes -= entry.answerBytes
    delete entry.answer
    delete entry.sent
  }

  #sweep(): void {
    const now = this.#clock.now()
    if (now - this.#sweptAt < SWEEP_EVERY_MS) return
    this.#sweptAt = now
    for (const entry of this.#entries.values()) {
      if (entry.state !== 'running' && entry.invocation.deadline + TOMBSTONE_MS < now) this.remove(entry)
    }
  }
}
