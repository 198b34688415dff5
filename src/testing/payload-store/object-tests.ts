import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { assertSame, fetchBody, MINUTE, newKey, type PayloadStoreTest, rejectsWith } from './trial.js'

/** A store's promises to a holder of its credentials. */
export const objectTests: readonly PayloadStoreTest[] = [
  {
    name: 'get gives back every byte that was put',
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
    name: 'put keeps what the body was, whatever becomes of the buffer',
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
    name: 'what get gives is the caller’s own',
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
    name: 'put replaces',
    async run({ store }) {
      const key = newKey()
      await store.put(key, randomBytes(200))
      const body = randomBytes(100)
      await store.put(key, body)
      assertSame(await store.get(key, { maxBytes: 1000 }), body)
    },
  },
  {
    name: 'keys are told apart, whatever letters they have',
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
    name: 'get of what is not there is STORE_FAILED',
    async run({ store }) {
      await rejectsWith('STORE_FAILED', store.get(newKey(), { maxBytes: 1000 }))
    },
  },
  {
    name: 'get gives maxBytes and refuses one more with TOO_LARGE and both numbers',
    async run({ store }) {
      const key = newKey()
      await store.put(key, randomBytes(1001))
      assert.equal((await store.get(key, { maxBytes: 1001 })).length, 1001)
      const { message } = await rejectsWith('TOO_LARGE', store.get(key, { maxBytes: 1000 }))
      assert.match(message.replaceAll(',', ''), /1001.*1000|1000.*1001/)
    },
  },
  {
    name: 'delete takes the one object away, and twice does no harm',
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
    name: 'many operations at once do not mix',
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
    name: 'an aborted signal ends every operation with ABORTED, before it does anything',
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
    name: 'a failure says what failed and holds no URL',
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
