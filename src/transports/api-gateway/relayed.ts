import { onAbort } from '../../core/base/abort.js'
import type { Cancel, Clock } from '../../core/base/clock.js'
import { abortError, TetherError, throwIfAborted } from '../../core/base/errors.js'
import type { Endpoint } from '../../core/contracts/transport.js'
import { relayedText } from './wire.js'

/** Options of {@link Relayed}. */
export interface RelayedOptions {
  readonly clock: Clock
  /** Writes one message. */
  write(text: string): void
}

/** A frame on its way through the relay. */
interface Passage {
  readonly number: number
  readonly to: Endpoint
  readonly text: string
  /** Whether the frame still has to take this way when its turn comes. */
  readonly needed: () => boolean
  settle(outcome: 'taken' | 'unneeded' | TetherError): void
  /** Written, and no receipt yet. */
  waiting: boolean
  failures: number
  /** How long it has waited for an absent receiver, in milliseconds. */
  absentMs: number
  absences: number
  /** Cancels the timer of the next try, or of the wait for a receipt. */
  cancel: Cancel
}

/** Each frame runs a Lambda function; queued frames may become able to go directly meanwhile. */
const AT_ONCE = 8
// The relay answers in milliseconds, and in a second when it starts cold.
const RECEIPT_MS = 10_000
const FAILURES = 3
const RETRY_MS = 100
// A reconnecting receiver is absent for a moment.
const ABSENT_MS = 1_000
const ABSENT_RETRY_MS = 150

/** One connection's way to its peers through the relay, which sends a receipt for each frame. */
export class Relayed {
  readonly #options: RelayedOptions
  readonly #passages = new Map<number, Passage>()
  readonly #queue: Passage[] = []
  /** Receivers that were absent a moment ago: one frame keeps asking, the others wait for its outcome. */
  readonly #asking = new Map<string, Passage>()
  #under = 0
  #numbers = 0
  #over: TetherError | undefined

  constructor(options: RelayedOptions) {
    this.#options = options
  }

  /**
   * Resolves when the relay has handed the frame on, or when its turn comes and `needed` returns false.
   * @throws TetherError `UNREACHABLE`, with `details.absent` if the receiver stays absent for a second; `ABORTED`
   */
  send(
    to: Endpoint,
    frame: string,
    options: { readonly signal?: AbortSignal | undefined; readonly needed?: () => boolean },
  ): Promise<'taken' | 'unneeded'> {
    return this.#pass(to, (number) => relayedText(number, to, frame), options)
  }

  /**
   * Sends a request to the relay itself, about this end. Resolves at the relay's receipt.
   * @throws TetherError `UNREACHABLE`
   */
  async ask(self: Endpoint, textOf: (number: number) => string): Promise<void> {
    // No endpoint has an empty name, so frames that wait for an absent receiver do not hold this up.
    await this.#pass({ ...self, name: '' }, textOf, {})
  }

  #pass(
    to: Endpoint,
    textOf: (number: number) => string,
    { signal, needed = () => true }: Parameters<Relayed['send']>[2],
  ): Promise<'taken' | 'unneeded'> {
    return new Promise((resolve, reject) => {
      throwIfAborted(signal)
      if (this.#over !== undefined) throw this.#over
      const number = ++this.#numbers
      const passage: Passage = {
        number,
        to,
        text: textOf(number),
        needed,
        settle: (outcome) => {
          this.#passages.delete(number)
          unlisten()
          if (outcome instanceof TetherError) reject(outcome)
          else resolve(outcome)
          this.#leave(passage)
          if (this.#asking.get(keyOf(to)) !== passage) return
          this.#asking.delete(keyOf(to))
          this.#pump()
        },
        waiting: false,
        failures: 0,
        absentMs: 0,
        absences: 0,
        cancel: () => {},
      }
      const unlisten = onAbort(signal, () => passage.settle(abortError(signal!)))
      this.#passages.set(number, passage)
      this.#queue.push(passage)
      this.#pump()
    })
  }

  /** Handles a receipt: the frame was handed on. */
  taken(number: number): void {
    this.#passages.get(number)?.settle('taken')
  }

  /** Handles a receipt: the receiver is absent. */
  absent(number: number): void {
    const passage = this.#passages.get(number)
    if (passage === undefined || !passage.waiting) return
    const key = keyOf(passage.to)
    const asking = this.#asking.get(key) ?? passage
    this.#asking.set(key, asking)
    if (asking !== passage) {
      this.#queue.push(passage)
      return this.#leave(passage)
    }
    if (passage.absentMs < ABSENT_MS) {
      const delayMs = ABSENT_RETRY_MS * 2 ** passage.absences++
      passage.absentMs += delayMs
      return this.#again(passage, delayMs)
    }
    for (const one of this.#queue.filter(({ to }) => keyOf(to) === key)) one.settle(nobody(one.to))
    passage.settle(nobody(passage.to))
  }

  /** The relay failed for one of the frames under way and does not say which: retries all of them. */
  failed(message: string): void {
    for (const passage of [...this.#passages.values()].filter(({ waiting }) => waiting)) {
      if (passage.failures >= FAILURES) passage.settle(failed(message, passage.failures + 1))
      else this.#again(passage, RETRY_MS * 2 ** passage.failures++)
    }
  }

  /** Fails all frames under way. */
  end(reason: TetherError): void {
    this.#over ??= reason
    for (const passage of [...this.#passages.values()]) passage.settle(this.#over)
  }

  #again(passage: Passage, delayMs: number): void {
    this.#leave(passage)
    passage.cancel = this.#options.clock.schedule(delayMs, () => {
      this.#queue.push(passage)
      this.#pump()
    })
  }

  /** Ends a frame's wait and lets the next one leave. */
  #leave(passage: Passage): void {
    passage.cancel()
    if (!passage.waiting) return
    passage.waiting = false
    this.#under--
    this.#pump()
  }

  #mayLeave(passage: Passage): boolean {
    return (this.#asking.get(keyOf(passage.to)) ?? passage) === passage
  }

  #pump(): void {
    while (this.#under < AT_ONCE && this.#over === undefined) {
      const next = this.#queue.findIndex((passage) => this.#mayLeave(passage))
      const [passage] = next < 0 ? [] : this.#queue.splice(next, 1)
      if (passage === undefined) return
      if (!this.#passages.has(passage.number)) continue
      if (!passage.needed()) {
        passage.settle('unneeded')
        continue
      }
      this.#under++
      passage.waiting = true
      passage.cancel = this.#options.clock.schedule(RECEIPT_MS, () => passage.settle(silent()))
      this.#options.write(passage.text)
    }
  }
}

// Within one app and stage.
function keyOf({ role, name }: Endpoint): string {
  return `${role} ${name}`
}

function nobody({ app, stage, role, name }: Endpoint): TetherError {
  return new TetherError('UNREACHABLE', `No ${role} '${name}' of ${app}/${stage} is connected to the API.`, {
    details: { absent: true },
  })
}

function failed(message: string, times: number): TetherError {
  return new TetherError(
    'UNREACHABLE',
    `The relay behind the API failed ${times} times ('${message}'): look at its function's log.`,
  )
}

function silent(): TetherError {
  return new TetherError('UNREACHABLE', `The relay behind the API gave no receipt within ${RECEIPT_MS} ms.`)
}
