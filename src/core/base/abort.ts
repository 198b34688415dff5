import { abortError, throwIfAborted } from './errors.js'

/**
 * Calls `stop` when the signal fires, at once if it has fired already.
 * @returns ends the listening; harmless when repeated
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
 * The result of `work`, unless the signal fires first. The work itself goes on: a login or a look-up may take as long
 * as it likes.
 * @throws TetherError `ABORTED`, and what `work` throws
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
