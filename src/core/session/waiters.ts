import { onAbort } from '../base/abort.js'
import type { Clock } from '../base/clock.js'
import { abortError, TetherError, throwIfAborted } from '../base/errors.js'
import { checkDuration, checkFunction, checkSignal, checkText } from '../base/option-checks.js'
import { checkOptions } from '../base/options.js'
import type { AbortOptions } from '../contracts/transport.js'
import type { Invocation } from './invocation.js'

export interface NextOptions<E> extends AbortOptions {
  /** Only an invocation for which this is true; the others go on as if nobody had waited. */
  readonly where?: ((invocation: Invocation<E>) => boolean) | undefined
  /** @default 30,000 */
  readonly timeoutMs?: number | undefined
}

interface Waiter {
  readonly functionId: string
  offer(invocation: Invocation): boolean
  end(error: TetherError): void
}

const DEFAULT_TIMEOUT_MS = 30_000

/** Those who wait for the next invocation of a function, first come first served. */
export class Waiters {
  readonly #clock: Clock
  readonly #waiters = new Set<Waiter>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @throws TetherError `TIMEOUT`, `ABORTED`, `CLOSED`; and what `where` throws */
  async next<E>(functionId: string, options: NextOptions<E>): Promise<Invocation<E>> {
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
        offer(invocation) {
          try {
            if (where !== undefined && !where(invocation as Invocation<E>)) return false
          } catch (error) {
            leave()
            reject(error)
            return false
          }
          leave()
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
      const cancel = this.#clock.schedule(timeoutMs, () =>
        waiter.end(
          new TetherError(
            'TIMEOUT',
            `No matching invocation of '${functionId}' arrived within ${timeoutMs} ms.`,
          ),
        ),
      )
    })
  }

  /** Whether somebody took the invocation. */
  offer(invocation: Invocation): boolean {
    for (const waiter of this.#waiters) {
      if (waiter.functionId === invocation.functionId && waiter.offer(invocation)) return true
    }
    return false
  }

  close(): void {
    for (const waiter of [...this.#waiters]) {
      waiter.end(new TetherError('CLOSED', `The session closed while waiting for '${waiter.functionId}'.`))
    }
  }
}
