/** A promise with its `resolve` function. */
export interface Deferred<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
}

// Promise.withResolvers exists from Node 22 on.
export function deferred<T = void>(): Deferred<T> {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

/** Whether a value is a promise of any library. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}
