import type { Mutants } from './mutation.js'

const STORE = 'src/stores/memory.ts'
const SERVER = 'src/stores/memory-server.ts'
const URLS = 'src/stores/memory-urls.ts'

const PUT = 'objects.set(key, Uint8Array.from(body))'
const URL_KEY = 'decodeURIComponent(pathname.slice(1))'
const MISSING = "throw storeFailure('get', 'object-missing')"
const PRESIGN_GET = "(key, options) => presign('GET', key, options)"
const PUT_BY_URL = 'objects.set(grant.key, Buffer.concat(chunks))'

export const storeMutants: Mutants = {
  'get() returns the bytes that were put': {
    'stores bodies as text': [STORE, PUT, 'objects.set(key, Buffer.from(Buffer.from(body).toString()))'],
  },
  'put() copies: its caller may overwrite the buffer': {
    "keeps the caller's buffer": [STORE, PUT, 'objects.set(key, body)'],
  },
  'get() copies: its caller may overwrite the result': {
    'returns the buffer that it keeps': [STORE, 'return Uint8Array.from(body)', 'return body'],
  },
  'put() replaces an object': {
    'keeps the first body': [STORE, PUT, `if (!objects.has(key)) ${PUT}`],
  },
  'keys of any characters are distinct': {
    'ignores the case of keys': [URLS, URL_KEY, `${URL_KEY}.toLowerCase()`],
    'decodes keys twice': [URLS, URL_KEY, `decodeURIComponent(${URL_KEY})`],
    'normalises keys': [URLS, URL_KEY, `${URL_KEY}.normalize()`],
  },
  'get() of a missing object rejects with STORE_FAILED': {
    'returns nothing for a missing object': [STORE, MISSING, 'return new Uint8Array()'],
    'throws an error of its own': [STORE, MISSING, "throw new Error('NoSuchKey')"],
  },
  'get() returns up to maxBytes and rejects more with TOO_LARGE and both sizes': {
    'ignores maxBytes': [STORE, 'body.length > maxBytes', 'false'],
    'rejects maxBytes itself': [STORE, 'body.length > maxBytes', 'body.length >= maxBytes'],
  },
  'delete() removes one object and may be repeated': {
    'removes nothing': [STORE, 'objects.delete(key)', ''],
    'rejects a repeated delete()': [STORE, 'objects.delete(key)', `if (!objects.delete(key)) ${MISSING}`],
    'removes every object': [STORE, 'objects.delete(key)', 'objects.clear()'],
  },
  'concurrent operations do not mix': {
    'has one place for the bodies under way': [
      STORE,
      PUT,
      `this.body = body
      await new Promise(setImmediate)
      objects.set(key, Uint8Array.from(this.body))`,
    ],
  },
  'every operation with an aborted signal rejects with ABORTED and has no effect': {
    'ignores the signal': [STORE, 'throwIfAborted(signal)', ''],
    'removes the object before it checks the signal': [
      STORE,
      'async delete(key, { signal } = {}) {',
      'async delete(key, { signal } = {}) { objects.delete(key)',
    ],
  },
  'an error names the operation and contains no URL': {
    'puts a URL into its error': [
      STORE,
      "'object-missing')",
      "'object-missing', { detail: (await presign('GET', key, { expiresInMs: 1_000 })).url })",
    ],
  },
  'a presigned PUT stores exactly its body': {
    'stores the body under another key': [
      SERVER,
      'objects.set(grant.key,',
      "objects.set(grant.key + '-new',",
    ],
  },
  'a presigned PUT may be repeated': {
    'accepts a presigned PUT once': [
      SERVER,
      PUT_BY_URL,
      `if (objects.has(grant.key)) return refuse(request, response, 403, 'AccessDenied')
      ${PUT_BY_URL}`,
    ],
  },
  'a presigned PUT rejects a body of another length': {
    'presigns a PUT of one byte more': [STORE, 'options, options.bytes)', 'options, options.bytes + 1)'],
    'ignores the length': [SERVER, 'Number(length) !== grant.bytes', 'false'],
  },
  'a presigned GET returns the object each time': {
    'removes the object after a presigned GET': [
      SERVER,
      'const body = objects.get(grant.key)',
      `const body = objects.get(grant.key)
      objects.delete(grant.key)`,
    ],
  },
  'a GET may be presigned before its object exists': {
    'presigns a GET of an existing object only': [
      STORE,
      PRESIGN_GET,
      `async (key, options) => {
        if (!objects.has(key)) ${MISSING}
        return presign('GET', key, options)
      }`,
    ],
  },
  'a presigned request allows only its own operation': {
    'ignores the method': [SERVER, 'grant.method !== method', 'false'],
  },
  'a presigned request allows only its own key': {
    'does not sign the key': [URLS, '.update(text)', ".update(text.split('?')[1])"],
  },
  'a presigned GET expires': {
    'ignores the time': [URLS, "this.#clock.now() > Number(searchParams.get('expires'))", 'false'],
    'presigns a GET for ever': [SERVER, 'if (grant.expired)', "if (grant.expired && method !== 'GET')"],
  },
  'a presigned PUT expires': {
    'presigns a PUT for ever': [SERVER, 'if (grant.expired)', "if (grant.expired && method !== 'PUT')"],
  },
}
