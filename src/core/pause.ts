import type { Clock } from './clock.js'
import { abortError, throwIfAborted } from './errors.js'

/** Waits, no longer than the signal. @throws TetherError `ABORTED` */
export function pause(
  ms: number,
  { clock, signal }: { readonly clock: Clock; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  throwIfAborted(signal)
  return new Promise((resolve, reject) => {
    const stop = () => {
      cancel()
      reject(abortError(signal!))
    }
    const cancel = clock.schedule(ms, () => {
      signal?.removeEventListener('abort', stop)
      resolve()
    })
    signal?.addEventListener('abort', stop, { once: true })
  })
}
