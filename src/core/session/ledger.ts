import type { Cancel, Clock } from '../base/clock.js'
import type { Trace } from '../base/diagnostics.js'
import type { Sent } from '../wire/outgoing.js'
import type { ErrorMessage, Outbound, ResultMessage, StoredBody } from '../wire/protocol.js'
import type { Invocation } from './invocation.js'

/** What a session knows of one invocation. */
export interface Entry {
  readonly id: string
  readonly functionId: string
  /** In Unix milliseconds on this machine's clock. */
  readonly deadline: number
  /** Gone when it has ended: what remains to tell a repetition is small. */
  invocation: Invocation | undefined
  /** The stub that waits. */
  readonly from: string
  readonly startedAt: number
  /** A copy of what the function itself answers: nobody waits, and nothing is sent back. */
  readonly mirrored: boolean
  readonly abort: AbortController
  /** Something runs it: nothing else may. */
  taken: boolean
  /** The acknowledgement has left, or will after its delay. */
  acked: boolean
  /** Local code or its host has answered: a second answer is a mistake, where one after the end is only late. */
  answered: boolean
  /** `running` until it has its outcome; then what is left of that. */
  state: 'running' | 'answered' | 'ended' | 'evicted'
  answer?: KeptAnswer | undefined
  answerBytes: number
  /** The answer's frames, where it had several: those that were lost are sent again. */
  sent?: Sent | undefined
  /** Where the response lies in the payload store, once it is there. */
  storing?: { readonly stored: StoredBody; readonly done: Promise<void> } | undefined
  /** The answer is on its way: asking again must not send it twice, and nobody waits for it when this fires. */
  sending: AbortController | undefined
  /** Since when, in Unix milliseconds. */
  sendingAt: number
  readonly timers: Set<Cancel>
  /** Where somebody listens to what becomes of it. */
  readonly trace?: Trace | undefined
}

/** An answer without who gives it, which may change before it is given again. */
type KeptAnswer = Omit<Outbound<ResultMessage>, 'session' | 'epoch'> | Omit<ErrorMessage, 'session' | 'epoch'>

/** An id outlives its deadline by this long, so that a late duplicate finds it and runs nothing. */
const TOMBSTONE_MS = 120_000
const SWEEP_EVERY_MS = 10_000

/**
 * Every invocation of a session's life that a message may still name: at most one execution each. Answers are
 * kept until the stub has settled them, within a fixed number of bytes; the oldest give way. Of one that is over only its id
 * is left.
 */
export class Ledger {
  readonly #clock: Clock
  readonly #maxAnswerBytes: number
  readonly #onDropped: (stored: StoredBody) => void
  readonly #entries = new Map<string, Entry>()
  /** Of those that are over, until when each is remembered. There may be hundreds of thousands. */
  readonly #tombstones = new Map<string, number>()
  /** Entries that hold an answer, oldest first. */
  readonly #answered = new Set<Entry>()
  #answerBytes = 0
  #sweptAt: number

  /** @param onDropped told of each response in the payload store that nobody needs any more */
  constructor(clock: Clock, maxAnswerBytes: number, onDropped: (stored: StoredBody) => void) {
    this.#clock = clock
    this.#onDropped = onDropped
    this.#maxAnswerBytes = maxAnswerBytes
    this.#sweptAt = clock.now()
  }

  /** One that is not over. */
  get(id: string): Entry | undefined {
    return this.#entries.get(id)
  }

  /** Whether it is here, or was, and must not run again. */
  knows(id: string): boolean {
    return this.#entries.has(id) || this.#tombstones.has(id)
  }

  add(entry: Entry): void {
    this.#sweep()
    this.#entries.set(entry.id, entry)
  }

  /** Forgets an invocation that nothing ran. */
  remove(entry: Entry): void {
    this.#drop(entry)
    this.#entries.delete(entry.id)
    this.#tombstones.delete(entry.id)
  }

  /** Those that are not over. */
  entries(): Entry[] {
    return [...this.#entries.values()]
  }

  /** Whether nothing runs and no answer is on its way. */
  get idle(): boolean {
    return ![...this.#entries.values()].some(
      (entry) => entry.state === 'running' || entry.sending !== undefined,
    )
  }

  /** Remembers an invocation that must not run: it is over, or its stub has given up before it arrived. */
  bury(id: string, deadline = this.#clock.now()): void {
    this.#sweep()
    this.#tombstones.set(id, Math.max(deadline + TOMBSTONE_MS, this.#tombstones.get(id) ?? 0))
  }

  /** Ends an entry with the answer the stub is to get, kept until the stub has it or its time is over. */
  answer(entry: Entry, answer: KeptAnswer, bytes: number): void {
    this.#end(entry, 'answered')
    entry.answer = answer
    entry.answerBytes = bytes
    this.#answered.add(entry)
    this.#answerBytes += bytes
    entry.timers.add(this.#clock.schedule(entry.deadline - this.#clock.now(), () => this.end(entry)))
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
    this.#entries.delete(entry.id)
    this.bury(entry.id, entry.deadline)
  }

  /** Frees the answers that a stub has received. Only its own: another cannot name them. */
  settle(ids: readonly string[], from: string): void {
    for (const id of ids) {
      const entry = this.#entries.get(id)
      if (entry?.from === from && entry.state === 'answered') this.end(entry)
    }
  }

  /** Leaves nothing that keeps a process alive; what is in the payload store stays for the stubs that fetch it. */
  close(): void {
    for (const entry of this.#entries.values()) {
      for (const cancel of entry.timers) cancel()
      entry.timers.clear()
    }
  }

  #end(entry: Entry, state: Entry['state']): void {
    entry.state = state
    entry.invocation = undefined
    for (const cancel of entry.timers) cancel()
    entry.timers.clear()
  }

  #drop(entry: Entry): void {
    entry.sending?.abort()
    for (const cancel of entry.timers) cancel()
    entry.timers.clear()
    if (!this.#answered.delete(entry)) return
    this.#answerBytes -= entry.answerBytes
    entry.answer = undefined
    entry.sent = undefined
    const { storing } = entry
    if (storing === undefined) return
    entry.storing = undefined
    // A put that is under way would come after its deletion.
    storing.done.then(() => this.#onDropped(storing.stored)).catch(() => {})
  }

  #sweep(): void {
    const now = this.#clock.now()
    if (now - this.#sweptAt < SWEEP_EVERY_MS) return
    this.#sweptAt = now
    for (const entry of this.#entries.values()) {
      if (entry.state !== 'running' && entry.deadline + TOMBSTONE_MS < now) this.remove(entry)
    }
    for (const [id, until] of this.#tombstones) if (until < now) this.#tombstones.delete(id)
  }
}
