import { TetherError } from '../../src/core/base/errors.js'
import type { PayloadStore } from '../../src/core/contracts/payload-store.js'
import type { MemoryStore } from '../../src/stores/memory.js'
import type { Carelessness } from './naive-store.js'

/** A way in which a payload store can be wrong, and the tests of the suite that must say so. */
export type StoreMutant = {
  readonly wrong: string
  readonly failed: readonly string[]
} & ({ readonly breakStore: (store: MemoryStore) => PayloadStore } | { readonly careless: Carelessness })

const KEYS_APART = 'keys are told apart, whatever letters they have'
const ROUND_TRIP = 'get gives back every byte that was put'
const MISSING = 'get of what is not there is STORE_FAILED'
const GET_ENDS = 'a presigned GET ends with its time'
const PUT_ENDS = 'a presigned PUT ends with its time'
const PUT_EXACT = 'a presigned PUT takes no body of another length'
const OWN_OPERATION = 'a presigned request allows its own operation and no other'
const ABORT = 'an aborted signal ends every operation with ABORTED, before it does anything'

/** Each is a store with one thing wrong; together they fail every test of the suite. */
export const STORE_MUTANTS: readonly StoreMutant[] = [
  {
    wrong: 'takes bodies for text',
    failed: [ROUND_TRIP],
    breakStore: (store) => ({
      ...bound(store),
      put: (key, body, options) => store.put(key, Buffer.from(Buffer.from(body).toString('utf8')), options),
    }),
  },
  {
    wrong: 'keeps the buffer that it was given',
    failed: ['put keeps what the body was, whatever becomes of the buffer'],
    breakStore(store) {
      const kept = new Map<string, Uint8Array>()
      return {
        ...bound(store),
        async put(key, body, options) {
          await store.put(key, body, options)
          kept.set(key, body)
        },
        async get(key, options) {
          const body = await store.get(key, options)
          return kept.get(key) ?? body
        },
      }
    },
  },
  {
    wrong: 'gives out the buffer that it keeps',
    failed: ['what get gives is the caller’s own'],
    breakStore(store) {
      const given = new Map<string, Uint8Array>()
      return {
        ...bound(store),
        async get(key, options) {
          const body = await store.get(key, options)
          const first = given.get(key) ?? body
          given.set(key, first)
          return first
        },
      }
    },
  },
  {
    wrong: 'keeps the first of two bodies',
    failed: ['put replaces'],
    breakStore: (store) => ({
      ...bound(store),
      async put(key, body, options) {
        const there = await store.get(key, { maxBytes: Number.POSITIVE_INFINITY }).catch(() => undefined)
        if (there === undefined) await store.put(key, body, options)
      },
    }),
  },
  {
    wrong: 'knows no case in keys',
    failed: [KEYS_APART],
    breakStore: (store) => renamed(store, (key) => key.toLowerCase()),
  },
  {
    wrong: 'decodes keys once more',
    failed: [KEYS_APART],
    breakStore: (store) => renamed(store, (key) => decodeURIComponent(key)),
  },
  {
    wrong: 'normalises keys',
    failed: [KEYS_APART],
    breakStore: (store) => renamed(store, (key) => key.normalize('NFC')),
  },
  {
    wrong: 'gives nothing for what is not there',
    failed: [MISSING],
    breakStore: (store) => ({
      ...bound(store),
      get: (key, options) =>
        store.get(key, options).catch((error: TetherError) => {
          if (error.code === 'STORE_FAILED') return new Uint8Array(0)
          throw error
        }),
    }),
  },
  {
    wrong: 'throws an error of its own',
    failed: [MISSING],
    breakStore: (store) => ({
      ...bound(store),
      get: (key, options) =>
        store.get(key, options).catch((cause: unknown) => {
          throw new Error('NoSuchKey', { cause })
        }),
    }),
  },
  {
    wrong: 'knows no maximum',
    failed: ['get gives maxBytes and refuses one more with TOO_LARGE and both numbers'],
    breakStore: (store) => ({
      ...bound(store),
      get: (key, options) => store.get(key, { ...options, maxBytes: Number.POSITIVE_INFINITY }),
    }),
  },
  {
    wrong: 'refuses maxBytes itself',
    failed: ['get gives maxBytes and refuses one more with TOO_LARGE and both numbers'],
    breakStore: (store) => ({
      ...bound(store),
      get: (key, options) => store.get(key, { ...options, maxBytes: options.maxBytes - 1 }),
    }),
  },
  {
    wrong: 'deletes nothing',
    failed: ['delete takes the one object away, and twice does no harm'],
    breakStore: (store) => ({ ...bound(store), delete: async () => {} }),
  },
  {
    wrong: 'cannot delete twice',
    failed: ['delete takes the one object away, and twice does no harm'],
    breakStore: (store) => ({
      ...bound(store),
      async delete(key, options) {
        await store.get(key, { maxBytes: Number.POSITIVE_INFINITY })
        await store.delete(key, options)
      },
    }),
  },
  {
    wrong: 'deletes everything',
    failed: [
      'many operations at once do not mix',
      'delete takes the one object away, and twice does no harm',
    ],
    breakStore(store) {
      const keys = new Set<string>()
      return {
        ...bound(store),
        put(key, body, options) {
          keys.add(key)
          return store.put(key, body, options)
        },
        async delete(_key, options) {
          for (const key of keys) await store.delete(key, options)
        },
      }
    },
  },
  {
    wrong: 'lets operations share one place',
    failed: ['many operations at once do not mix'],
    breakStore(store) {
      let last: Uint8Array | undefined
      return {
        ...bound(store),
        async put(key, body, options) {
          last = body
          await new Promise((resolve) => setImmediate(resolve))
          await store.put(key, last, options)
        },
      }
    },
  },
  {
    wrong: 'presigns a PUT under another key',
    failed: [
      'a presigned PUT stores exactly its body',
      'a presigned PUT may be repeated, as after a lost answer',
    ],
    breakStore: (store) => ({
      ...bound(store),
      presignPut: (key, options) => store.presignPut(`${key}-new`, options),
    }),
  },
  {
    wrong: 'presigns a PUT with one byte too many',
    failed: [PUT_EXACT, PUT_ENDS],
    breakStore: (store) => ({
      ...bound(store),
      presignPut: (key, options) => store.presignPut(key, { ...options, bytes: options.bytes + 1 }),
    }),
  },
  {
    wrong: 'gives a URL that works once',
    failed: [
      'a presigned PUT may be repeated, as after a lost answer',
      'a presigned GET gives the object, as often as it is asked',
    ],
    careless: 'once',
  },
  {
    wrong: 'presigns no GET before the object is there',
    failed: ['a GET may be presigned before its object is there'],
    breakStore: (store) => ({
      ...bound(store),
      async presignGet(key, options) {
        await store.get(key, { maxBytes: Number.POSITIVE_INFINITY })
        return store.presignGet(key, options)
      },
    }),
  },
  { wrong: 'takes any method for any URL', failed: [OWN_OPERATION], careless: 'any-method' },
  { wrong: 'takes any length', failed: [PUT_EXACT], careless: 'any-length' },
  { wrong: 'looks at no time', failed: [GET_ENDS, PUT_ENDS], careless: 'any-time' },
  {
    wrong: 'takes whatever key the URL names',
    failed: ['a presigned request allows its own key and no other'],
    careless: 'any-key',
  },
  {
    wrong: 'presigns GETs for ever',
    failed: [GET_ENDS],
    breakStore: (store) => ({
      ...bound(store),
      presignGet: (key, options) => store.presignGet(key, { ...options, expiresInMs: 1e9 }),
    }),
  },
  {
    wrong: 'presigns PUTs for ever',
    failed: [PUT_ENDS],
    breakStore: (store) => ({
      ...bound(store),
      presignPut: (key, options) => store.presignPut(key, { ...options, expiresInMs: 1e9 }),
    }),
  },
  {
    wrong: 'looks at no signal',
    failed: [ABORT],
    breakStore: (store) => ({
      ...bound(store),
      put: (key, body) => store.put(key, body),
      delete: (key) => store.delete(key),
    }),
  },
  {
    wrong: 'deletes before it looks at the signal',
    failed: [ABORT],
    breakStore: (store) => ({
      ...bound(store),
      async delete(key, options) {
        await store.delete(key)
        await store.delete(key, options)
      },
    }),
  },
  {
    wrong: 'tells the URL when it fails',
    failed: ['a failure says what failed and holds no URL'],
    breakStore: (store) => ({
      ...bound(store),
      get: (key, options) =>
        store.get(key, options).catch(async (error: TetherError) => {
          const { url } = await store.presignGet(key, { expiresInMs: 1000 })
          throw new TetherError(error.code, `${error.message} ${url}`, { details: error.details })
        }),
    }),
  },
]

/** The store's operations as own properties, so that a mutant can spread them. */
function bound(store: MemoryStore): PayloadStore {
  const { name, put, get, delete: remove, presignPut, presignGet } = store
  return { name, put, get, delete: remove, presignPut, presignGet }
}

function renamed(store: MemoryStore, rename: (key: string) => string): PayloadStore {
  return {
    ...bound(store),
    put: (key, body, options) => store.put(rename(key), body, options),
    get: (key, options) => store.get(rename(key), options),
    delete: (key, options) => store.delete(rename(key), options),
    presignPut: (key, options) => store.presignPut(rename(key), options),
    presignGet: (key, options) => store.presignGet(rename(key), options),
  }
}
