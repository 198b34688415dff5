import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { assertSame, fetchBody, MINUTE, newKey, type PayloadStoreTest, rejectsWith } from './trial.js'

/** A store's promises to a holder of its credentials. */
export const objectTests: readonly PayloadStoreTest[] = [
  {
    name: 'get() returns the bytes that were put',
    async run({ store }) {
      const everyByte = Uint8Array.from({ length: 256 }, (_, index) => index)
      for (const body of [everyByte, new Uint8Array(0), randomBytes(1_000_003)]) {
        const key = newKey()
        await store.put(key, body)
        const got = await store.get(key, { maxBytes: 2_000_000 })
        assert.ok(got instanceof Uint8Array, 'get gives a Uint8Array')
        assertSame(got, body)
      }
    },
  },
  {
    name: 'put() copies: its caller may overwrite the buffer',
    async run({ store }) {
      const key = newKey()
      // A view into a larger buffer, as with frames: the bytes around it belong to others.
      const around = randomBytes(300)
      const body = around.subarray(100, 200)
      const before = Uint8Array.from(body)
      await store.put(key, body)
      around.fill(0)
      assertSame(await store.get(key, { maxBytes: 100 }), before)
    },
  },
  {
    name: 'get() copies: its caller may overwrite the result',
    async run({ store }) {
      const key = newKey()
      const body = randomBytes(100)
      await store.put(key, body)
      const got = await store.get(key, { maxBytes: 100 })
      got.fill(0)
      assertSame(await store.get(key, { maxBytes: 100 }), body)
    },
  },
  {
    name: 'put() replaces an object',
    async run({ store }) {
      const key = newKey()
      await store.put(key, randomBytes(200))
      const body = randomBytes(100)
      await store.put(key, body)
      assertSame(await store.get(key, { maxBytes: 1000 }), body)
    },
  },
  {
    name: 'keys of any characters are distinct',
    async run({ store }) {
      const parts = [
        'a',
        'A',
        'a/b',
        'a b',
        'a+b',
        'a%2Fb',
        "a'(b)*!",
        '漢',
        '🙂',
        'a&b=c',
        'a?b',
        'a#b',
        'é',
        'e\u0301',
      ]
      const stem = newKey()
      const bodies = new Map(parts.map((part) => [`${stem}/${part}`, randomBytes(64)]))
      await Promise.all([...bodies].map(([key, body]) => store.put(key, body)))
      for (const [key, body] of bodies) {
        assertSame(await store.get(key, { maxBytes: 64 }), body)
        assertSame(await fetchBody(await store.presignGet(key, MINUTE)), body)
      }
    },
  },
  {
    name: 'get() of a missing object rejects with STORE_FAILED',
    async run({ store }) {
      await rejectsWith('STORE_FAILED', store.get(newKey(), { maxBytes: 1000 }))
    },
  },
  {
    name: 'get() returns up to maxBytes and rejects more with TOO_LARGE and both sizes',
    async run({ store }) {
      const key = newKey()
      await store.put(key, randomBytes(1001))
      assert.equal((await store.get(key, { maxBytes: 1001 })).length, 1001)
      const { message } = await rejectsWith('TOO_LARGE', store.get(key, { maxBytes: 1000 }))
      assert.match(message.replaceAll(',', ''), /1001.*1000|1000.*1001/)
    },
  },
  {
    name: 'delete() removes one object and may be repeated',
    async run({ store }) {
      const [key, other] = [newKey(), newKey()]
      await store.put(key, randomBytes(10))
      await store.put(other, randomBytes(10))
      await store.delete(key)
      await rejectsWith('STORE_FAILED', store.get(key, { maxBytes: 10 }))
      await store.delete(key)
      await store.delete(newKey())
      assert.equal((await store.get(other, { maxBytes: 10 })).length, 10)
    },
  },
  {
    name: 'concurrent operations do not mix',
    async run({ store }) {
      const bodies = new Map(Array.from({ length: 20 }, () => [newKey(), randomBytes(10_000)] as const))
      await Promise.all(
        [...bodies].map(async ([key, body]) => {
          await store.put(key, body)
          const [own, fetched] = await Promise.all([
            store.get(key, { maxBytes: 10_000 }),
            store.presignGet(key, MINUTE).then(fetchBody),
          ])
          assertSame(own, body)
          assertSame(fetched, body)
          await store.delete(key)
          await rejectsWith('STORE_FAILED', store.get(key, { maxBytes: 10_000 }))
        }),
      )
    },
  },
  {
    name: 'every operation with an aborted signal rejects with ABORTED and has no effect',
    async run({ store }) {
      const signal = AbortSignal.abort()
      const [kept, key] = [newKey(), newKey()]
      await store.put(kept, randomBytes(10))
      await rejectsWith('ABORTED', store.put(key, randomBytes(10), { signal }))
      await rejectsWith('ABORTED', store.get(kept, { maxBytes: 10, signal }))
      await rejectsWith('ABORTED', store.delete(kept, { signal }))
      await rejectsWith('ABORTED', store.presignPut(key, { ...MINUTE, bytes: 10, signal }))
      await rejectsWith('ABORTED', store.presignGet(kept, { ...MINUTE, signal }))
      assert.equal((await store.get(kept, { maxBytes: 10 })).length, 10)
      await rejectsWith('STORE_FAILED', store.get(key, { maxBytes: 10 }))
    },
  },
  {
    name: 'an error names the operation and contains no URL',
    async run({ store }) {
      const error = await rejectsWith('STORE_FAILED', store.get(newKey(), { maxBytes: 10 }))
      assert.equal(error.details.operation, 'get')
      assert.equal(typeof error.details.reason, 'string')
      for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
        assert.doesNotMatch(`${cause.stack} ${JSON.stringify(cause)}`, /https?:\/\/\S*[?&]|signature=/i)
      }
    },
  },
]
