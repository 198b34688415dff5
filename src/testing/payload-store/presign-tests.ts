import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { PresignedRequest } from '../../core/contracts/payload-store.js'
import {
  assertRefused,
  assertSame,
  fetchBody,
  MINUTE,
  newKey,
  type PayloadStoreTest,
  rejectsWith,
  send,
  waitForRefusal,
} from './trial.js'

/** The promises of a presigned request to a holder without credentials. */
export const presignTests: readonly PayloadStoreTest[] = [
  {
    name: 'a presigned PUT stores exactly its body',
    async run({ store }) {
      for (const body of [randomBytes(100_003), new Uint8Array(0)]) {
        const key = newKey()
        const request = await store.presignPut(key, { ...MINUTE, bytes: body.length })
        const response = await send('PUT', request, body)
        assert.ok(response.ok, `PUT was answered with ${response.status}`)
        assertSame(await store.get(key, { maxBytes: 200_000 }), body)
      }
    },
  },
  {
    name: 'a presigned PUT may be repeated',
    async run({ store }) {
      const key = newKey()
      const body = randomBytes(100)
      const request = await store.presignPut(key, { ...MINUTE, bytes: 100 })
      for (const _ of [1, 2]) assert.ok((await send('PUT', request, body)).ok)
      assertSame(await store.get(key, { maxBytes: 100 }), body)
    },
  },
  {
    name: 'a presigned PUT rejects a body of another length',
    async run({ store }) {
      const key = newKey()
      const request = await store.presignPut(key, { ...MINUTE, bytes: 100 })
      for (const length of [99, 101, 0]) await assertRefused('PUT', request, randomBytes(length))
      await rejectsWith('STORE_FAILED', store.get(key, { maxBytes: 1000 }))
    },
  },
  {
    name: 'a presigned GET returns the object each time',
    async run({ store }) {
      const key = newKey()
      const body = randomBytes(100_003)
      await store.put(key, body)
      const request = await store.presignGet(key, MINUTE)
      assertSame(await fetchBody(request), body)
      assertSame(await fetchBody(request), body)
    },
  },
  {
    name: 'a GET may be presigned before its object exists',
    async run({ store }) {
      const key = newKey()
      const request = await store.presignGet(key, MINUTE)
      await assertRefused('GET', request)
      await store.put(key, randomBytes(100))
      assert.equal((await fetchBody(request)).length, 100)
    },
  },
  {
    name: 'a presigned request allows only its own operation',
    async run({ store }) {
      const key = newKey()
      const body = randomBytes(100)
      await store.put(key, body)
      const get = await store.presignGet(key, MINUTE)
      const put = await store.presignPut(key, { ...MINUTE, bytes: 100 })
      await assertRefused('PUT', get, randomBytes(100))
      await assertRefused('DELETE', get)
      await assertRefused('GET', put)
      await assertRefused('DELETE', put)
      assertSame(await store.get(key, { maxBytes: 100 }), body)
    },
  },
  {
    name: 'a presigned request allows only its own key',
    async run({ store }) {
      const [key, other] = [newKey(), newKey()]
      await store.put(other, randomBytes(100))
      const swap = ({ url, headers }: PresignedRequest) => {
        assert.ok(url.includes(key), 'the suite expects to find the key in the URL')
        return { url: url.replaceAll(key, other), headers }
      }
      await assertRefused('GET', swap(await store.presignGet(key, MINUTE)))
      const put = await store.presignPut(key, { ...MINUTE, bytes: 100 })
      const before = await store.get(other, { maxBytes: 100 })
      await assertRefused('PUT', swap(put), randomBytes(100))
      assertSame(await store.get(other, { maxBytes: 100 }), before)
    },
  },
  {
    name: 'a presigned GET expires',
    async run(subject) {
      const key = newKey()
      await subject.store.put(key, randomBytes(100))
      const request = await subject.store.presignGet(key, { expiresInMs: 1000 })
      assert.ok((await send('GET', request)).ok, 'the URL is good at first')
      await waitForRefusal(subject, () => send('GET', request))
    },
  },
  {
    name: 'a presigned PUT expires',
    async run(subject) {
      const key = newKey()
      const request = await subject.store.presignPut(key, { expiresInMs: 1000, bytes: 4 })
      assert.ok((await send('PUT', request, randomBytes(4))).ok, 'the URL is good at first')
      await waitForRefusal(subject, () => send('PUT', request, randomBytes(4)))
    },
  },
]
