import { abortError, throwIfAborted } from '../core/errors.js'

/** What `find` finds, unless the signal fires first: a login or a look-up may take as long as it likes. */
export async function untilAborted<T>(find: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return find()
  throwIfAborted(signal)
  let onAbort = () => {}
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(abortError(signal))
    signal.addEventListener('abort', onAbort, { once: true })
  })
  return Promise.race([find(), aborted]).finally(() => signal.removeEventListener('abort', onAbort))
}
