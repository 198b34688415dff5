import { onAbort } from './abort.js'
import type { Clock } from './clock.js'
import { abortError, throwIfAborted } from './errors.js'

/** Resolves after `ms`. @throws TetherError `ABORTED` when the signal fires first */
export function delay(
  ms: number,
  { clock, signal }: { readonly clock: Clock; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  return new Promise((resolve, reject) => {
    // Inside the promise, so that it rejects: a synchronous throw would bypass a caller's `catch`.
    throwIfAborted(signal)
    const cancel = clock.schedule(ms, () => {
      unlisten()
      resolve()
    })
    const unlisten = onAbort(signal, () => {
      cancel()
      reject(abortError(signal!))
    })
  })
}

/**
 * Resolves when `work` has settled, or after `ms` at the latest.
 * @throws TetherError `ABORTED` when the signal fires first
 */
export function atMost(
  ms: number,
  work: Promise<unknown>,
  { clock, signal }: { readonly clock: Clock; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  return new Promise((resolve, reject) => {
    throwIfAborted(signal)
    const ending = (settle: () => void) => () => {
      cancel()
      unlisten()
      settle()
    }
    const cancel = clock.schedule(ms, ending(resolve))
    const unlisten = onAbort(
      signal,
      ending(() => reject(abortError(signal!))),
    )
    work.then(ending(resolve), ending(resolve))
  })
}
