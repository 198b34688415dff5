import { abortError, throwIfAborted } from './errors.js'

/**
 * Calls `stop` when the signal fires, or at once if it has fired already.
 * @returns stops listening; harmless when repeated
 */
export function onAbort(signal: AbortSignal | undefined, stop: () => void): () => void {
  if (signal === undefined) return nothing
  if (signal.aborted) {
    stop()
    return nothing
  }
  signal.addEventListener('abort', stop, { once: true })
  return () => signal.removeEventListener('abort', stop)
}

/**
 * Resolves to the result of `work`, unless the signal fires first. The signal does not stop the work itself: a login or
 * a look-up runs on for as long as it takes.
 * @throws TetherError `ABORTED`, and any error of `work`
 */
export async function untilAborted<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work()
  throwIfAborted(signal)
  return new Promise<T>((resolve, reject) => {
    const unlisten = onAbort(signal, () => reject(abortError(signal)))
    work().then(resolve, reject).finally(unlisten)
  })
}

function nothing(): void {}
