import { onAbort } from '../../core/base/abort.js'
import type { Clock } from '../../core/base/clock.js'
import type { InvocationRecord } from '../../recorder/record.js'
import type { Feed } from '../view/feed.js'

export interface WaitOptions {
  readonly feed: Feed
  readonly clock: Clock
  /** Only invocations with higher numbers. */
  readonly after: number
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  fits(record: InvocationRecord): boolean
}

/**
 * Resolves to the first invocation that fits and has ended; undefined when the time is up. It only observes: the
 * invocation is answered as usual.
 */
export function waitForInvocation(options: WaitOptions): Promise<InvocationRecord | undefined> {
  const { feed, clock, after, timeoutMs, signal, fits } = options
  const isIt = (record: InvocationRecord) =>
    record.outcome !== undefined && (feed.numberOf(record.id) ?? 0) > after && fits(record)
  const there = [...feed.newest()].findLast(({ record }) => isIt(record))
  if (there !== undefined) return Promise.resolve(there.record)
  return new Promise((resolve) => {
    const end = (record?: InvocationRecord) => {
      watching[Symbol.dispose]()
      cancel()
      unlisten()
      resolve(record)
    }
    const watching = feed.watch((change) => {
      if (change.kind === 'invocation' && isIt(change.record)) end(change.record)
    })
    const cancel = clock.schedule(timeoutMs, () => end())
    const unlisten = onAbort(signal, () => end())
  })
}
