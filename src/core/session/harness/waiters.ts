import { onAbort } from '../../base/abort.js'
import type { Clock } from '../../base/clock.js'
import { abortError, TetherError, throwIfAborted } from '../../base/errors.js'
import { checkDuration, checkFunction, checkSignal, checkText } from '../../base/option-checks.js'
import { checkOptions } from '../../base/options.js'
import { printable } from '../../base/printable.js'
import type { AbortOptions } from '../../contracts/transport.js'
import { Invocation } from '../invocation.js'

export interface NextOptions<E> extends AbortOptions {
  /** Takes only an invocation for which this returns true; the others proceed as if no `next()` were waiting. */
  readonly where?: ((invocation: Invocation<E>) => boolean) | undefined
  /** @default 30,000 */
  readonly timeoutMs?: number | undefined
}

/** A waiting `next()` and its tally of invocations so far. */
interface Waiter {
  readonly functionId: string
  /** Invocations of its function that `where` did not match. */
  readonly unmatched: Tally
  /** Invocations that another `next()` took first. */
  readonly taken: Tally
  /** Invocations of other functions. */
  readonly others: Tally
  offer(invocation: Invocation): boolean
  end(error: TetherError): void
}

interface Tally {
  count: number
  last?: Invocation
}

const DEFAULT_TIMEOUT_MS = 30_000
/** How much of an event a message quotes, in bytes. */
const HEAD_BYTES = 300

/** The waiting calls of `next`, first come first served. */
export class Waiters {
  readonly #clock: Clock
  readonly #waiters = new Set<Waiter>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * @param isOpen whether the session receives invocations
   * @throws TetherError `TIMEOUT`, `ABORTED`, `CLOSED`; and any error of `where`
   */
  async next<E>(functionId: string, options: NextOptions<E>, isOpen: () => boolean): Promise<Invocation<E>> {
    checkText('functionId', functionId)
    checkOptions<NextOptions<E>>('next', options, {
      where: checkFunction,
      timeoutMs: checkDuration,
      signal: checkSignal,
    })
    const { where, timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options
    throwIfAborted(signal)
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiters.delete(waiter)
        cancel()
        unlisten()
      }
      const waiter: Waiter = {
        functionId,
        unmatched: { count: 0 },
        taken: { count: 0 },
        others: { count: 0 },
        offer(invocation) {
          try {
            if (where !== undefined && !where(invocation as Invocation<E>)) return false
          } catch (error) {
            leave()
            reject(error)
            return false
          }
          leave()
          Invocation.take(invocation)
          resolve(invocation as Invocation<E>)
          return true
        },
        end(error) {
          leave()
          reject(error)
        },
      }
      this.#waiters.add(waiter)
      const unlisten = onAbort(signal, () => waiter.end(abortError(signal!)))
      const cancel = this.#clock.schedule(timeoutMs, () => {
        const text = `No matching invocation of '${functionId}' arrived within ${timeoutMs} ms`
        waiter.end(new TetherError('TIMEOUT', `${text}: ${seen(waiter, isOpen())}`))
      })
    })
  }

  /** Gives an invocation to the first `next()` that accepts it, if any does. */
  offer(invocation: Invocation): void {
    let taken = false
    for (const waiter of [...this.#waiters]) {
      if (waiter.functionId !== invocation.functionId) count(waiter.others, invocation)
      else if (taken) count(waiter.taken, invocation)
      else if (waiter.offer(invocation)) taken = true
      else count(waiter.unmatched, invocation)
    }
  }

  close(): void {
    for (const waiter of [...this.#waiters]) {
      waiter.end(new TetherError('CLOSED', `The session closed while waiting for '${waiter.functionId}'.`))
    }
  }
}

function count(tally: Tally, invocation: Invocation): void {
  tally.count++
  tally.last = invocation
}

/** For a message: the invocations that arrived meanwhile. */
function seen({ functionId, unmatched, taken, others }: Waiter, open: boolean): string {
  if (!open) return 'the session is not open. Call session.open() before the trigger.'
  const arrived = unmatched.count + taken.count
  if (arrived === 0) {
    const other =
      others.last === undefined
        ? ''
        : `, and ${others.count} of other functions, the last of '${printable(others.last.functionId)}'`
    return `0 arrived${other}. Call next() before the trigger; check that it ran, and that its stub has functionId '${functionId}'.`
  }
  const parts = [
    unmatched.count > 0 && `'where' was false for ${unmatched.count}`,
    taken.count > 0 && `another next() took ${taken.count}`,
  ].filter(Boolean)
  const { eventBytes } = (unmatched.last ?? taken.last)!
  const cut = eventBytes.length > HEAD_BYTES ? ` (the first ${HEAD_BYTES} of ${eventBytes.length} bytes)` : ''
  const head = printable(Buffer.from(eventBytes.subarray(0, HEAD_BYTES)).toString('utf8'))
  return `${arrived} arrived; ${parts.join(', ')}. The last event${cut}: ${head}`
}
