import { type Clock, systemClock } from '../core/base/clock.js'
import { defined } from '../core/base/defined.js'
import { TetherError, throwIfAborted } from '../core/base/errors.js'
import { checkClock, checkText } from '../core/base/option-checks.js'
import { checkOptions } from '../core/base/options.js'
import type { PayloadStore, PresignOptions } from '../core/contracts/payload-store.js'
import { storeFailure } from '../core/payload/store-failure.js'
import { startMemoryServer } from './memory-server.js'
import { UrlSigner } from './memory-urls.js'

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /** The address in presigned URLs, for functions on this machine. @default '127.0.0.1' */
  readonly host?: string | undefined
  /** Measures expiry. */
  readonly clock?: Clock | undefined
}

/** A payload store in this process. */
export interface MemoryStore extends PayloadStore, AsyncDisposable {
  /** Number of stored objects. */
  readonly size: number
  /** Deletes every object and stops serving URLs. Idempotent. */
  close(): Promise<void>
}

/**
 * A payload store in this process, for tests and for functions that run on this machine. Serves its presigned URLs over
 * HTTP on a free port, opened for the first URL; it keeps no process alive. It is the executable specification of a
 * payload store: every store must behave like it.
 * @throws TetherError `INVALID_OPTION`
 */
export function memoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  const { host = '127.0.0.1', clock = systemClock } = checkOptions('memoryStore', options, {
    host: checkText,
    clock: checkClock,
  })
  const objects = new Map<string, Uint8Array>()
  const urls = new UrlSigner(clock)
  let server: ReturnType<typeof startMemoryServer> | undefined
  let closing: Promise<void> | undefined

  const enter = (signal: AbortSignal | undefined) => {
    throwIfAborted(signal)
    if (closing !== undefined) throw new TetherError('CLOSED', 'The payload store was closed.')
  }
  const presign = async (
    method: 'PUT' | 'GET',
    key: string,
    { expiresInMs, signal }: PresignOptions,
    bytes?: number,
  ) => {
    enter(signal)
    server ??= startMemoryServer({ host, objects, urls })
    const base = await server.catch((cause: unknown) => {
      server = undefined
      throw storeFailure('presign', 'unreachable', { detail: `cannot listen on ${host}`, cause })
    })
    enter(signal)
    const path = urls.sign(defined({ method, key, expiresInMs, bytes }))
    return { url: base.url + path, headers: {} }
  }
  const close = () => {
    closing ??= (async () => {
      objects.clear()
      await (await server?.catch(() => undefined))?.close()
    })()
    return closing
  }

  return {
    name: 'memory',
    get size() {
      return objects.size
    },
    async put(key, body, { signal } = {}) {
      enter(signal)
      objects.set(key, Uint8Array.from(body))
    },
    async get(key, { maxBytes, signal }) {
      enter(signal)
      const body = objects.get(key)
      if (body === undefined) throw storeFailure('get', 'object-missing')
      if (body.length > maxBytes) {
        throw new TetherError(
          'TOO_LARGE',
          `A stored object of ${body.length} bytes or more exceeds ${maxBytes}.`,
        )
      }
      return Uint8Array.from(body)
    },
    async delete(key, { signal } = {}) {
      enter(signal)
      objects.delete(key)
    },
    presignPut: (key, options) => presign('PUT', key, options, options.bytes),
    presignGet: (key, options) => presign('GET', key, options),
    close,
    [Symbol.asyncDispose]: close,
  }
}
