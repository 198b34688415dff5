// What can be wrong with a payload store, told by both sides of an invocation that needed it: S3 on the local endpoint.
import { randomBytes } from 'node:crypto'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { PayloadStore, TetherError } from '../../src/index.js'
import type { S3Action } from '../../src/local/index.js'
import { S3Bucket } from '../../src/local/s3/bucket.js'
import { s3 } from '../../src/stores/s3.js'
import { freePort } from '../support/free-port.js'
import { bucketName, startLocalS3 } from '../support/s3-subjects.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

/** Over the life of a URL. */
const LATER_MS = 16 * 60_000
const LARGE_BYTES = 20_000

/** A bucket, and stores on it that differ in who asks and where. */
async function setup() {
  const allowed = (name: string, actions: S3Action[]) => ({
    accessKeyId: `AKIA${name}`,
    secretAccessKey: 'secret',
    actions,
  })
  const [reader, writer] = [allowed('READER', ['s3:GetObject']), allowed('WRITER', ['s3:PutObject'])]
  const server = await startLocalS3({ others: [reader, writer] })
  onTestFinished(() => server.close())
  const bucket = new S3Bucket(bucketName(), { clock: server.clock, region: 'us-east-1' })
  server.buckets.set(bucket.name, bucket)
  const { endpoint, region, credentials, clock } = server
  const options = { bucket: bucket.name, endpoint, region, credentials }
  const nowhere = `http://127.0.0.1:${await freePort()}`
  /** What the only object is from now on. */
  const replace = (change: (body: Uint8Array) => Uint8Array | undefined) => {
    for (const key of bucket.keys()) {
      const body = change(bucket.get(key)!)
      if (body === undefined) bucket.delete(key)
      else bucket.put(key, body, 'application/octet-stream')
    }
  }
  return {
    store: s3(options),
    unreachable: s3({ ...options, endpoint: nowhere }),
    reading: s3({ ...options, credentials: reader }),
    writing: s3({ ...options, credentials: writer }),
    removeBucket: () => void server.buckets.delete(bucket.name),
    removeObject: () => replace(() => undefined),
    truncate: () => replace((body) => body.subarray(0, body.length - 100)),
    swap: () => replace((body) => randomBytes(body.length)),
    wait: () => clock.jump(LATER_MS),
  }
}
type Setup = Awaited<ReturnType<typeof setup>>

/** The store, with something done before or after one of its operations. */
function tampered(store: PayloadStore, changes: Partial<PayloadStore>): PayloadStore {
  return {
    name: store.name,
    put: (key, body, options) => store.put(key, body, options),
    get: (key, options) => store.get(key, options),
    delete: (key, options) => store.delete(key, options),
    presignPut: (key, options) => store.presignPut(key, options),
    presignGet: (key, options) => store.presignGet(key, options),
    ...changes,
  }
}

const before = ({ store }: Setup, operation: 'put' | 'get' | 'presignGet', act: () => void) =>
  tampered(store, {
    [operation]: (key: string, ...rest: [never]) => {
      act()
      return store[operation](key, ...rest) as never
    },
  })

const after = ({ store }: Setup, operation: 'presignPut' | 'presignGet', act: () => void) =>
  tampered(store, {
    [operation]: async (...args: [string, never]) => {
      const request = await store[operation](...args)
      act()
      return request
    },
  })

interface Failure {
  readonly what: string
  /** `details.reason`, in the words of the error. */
  readonly says: RegExp
  make(setup: Setup): PayloadStore
}

const DENIED = /access is denied/
const NO_BUCKET = /there is no such bucket/
const NO_OBJECT = /there is no such object/
const SILENT = /the store does not answer/
const EXPIRED = /URL or the credentials that signed it have expired/
const OTHER = /not the one that was put|the body ended early/

const OF_THE_EVENT: readonly Failure[] = [
  { what: 'nothing listens there', says: SILENT, make: ({ unreachable }) => unreachable },
  {
    what: 'the bucket is gone',
    says: NO_BUCKET,
    make: ({ store, removeBucket }) => {
      removeBucket()
      return store
    },
  },
  { what: 'the stub’s PUT is denied', says: DENIED, make: ({ reading }) => reading },
  { what: 'the session’s GET is denied', says: DENIED, make: ({ writing }) => writing },
  { what: 'the stub’s URL has expired', says: EXPIRED, make: (own) => after(own, 'presignPut', own.wait) },
  { what: 'the object is gone', says: NO_OBJECT, make: (own) => before(own, 'get', own.removeObject) },
  { what: 'the bucket goes meanwhile', says: NO_BUCKET, make: (own) => before(own, 'get', own.removeBucket) },
  { what: 'the object was cut off', says: OTHER, make: (own) => before(own, 'get', own.truncate) },
  { what: 'the object was swapped', says: OTHER, make: (own) => before(own, 'get', own.swap) },
]

const OF_THE_RESPONSE: readonly Failure[] = [
  {
    what: 'nothing listens there',
    says: SILENT,
    make: ({ store, unreachable }) => tampered(store, { put: (...args) => unreachable.put(...args) }),
  },
  { what: 'the bucket is gone', says: NO_BUCKET, make: (own) => before(own, 'put', own.removeBucket) },
  { what: 'the session’s PUT is denied', says: DENIED, make: ({ reading }) => reading },
  { what: 'the stub’s GET is denied', says: DENIED, make: ({ writing }) => writing },
  { what: 'the stub’s URL has expired', says: EXPIRED, make: (own) => after(own, 'presignGet', own.wait) },
  { what: 'the object is gone', says: NO_OBJECT, make: (own) => before(own, 'presignGet', own.removeObject) },
  {
    what: 'the bucket goes meanwhile',
    says: NO_BUCKET,
    make: (own) => before(own, 'presignGet', own.removeBucket),
  },
  { what: 'the object was cut off', says: OTHER, make: (own) => before(own, 'presignGet', own.truncate) },
  { what: 'the object was swapped', says: OTHER, make: (own) => before(own, 'presignGet', own.swap) },
]

/** Invokes once with a large body one way. @returns what each side was told, and what came of the next invocation */
async function told(store: PayloadStore, large: 'event' | 'response') {
  await using tether = new Tether({ frameBytes: 2_048 })
  const session = tether.session({ store })
  let runs = 0
  session.on('invoke', (invocation) => {
    runs++
    const wanted = (invocation.event as { wanted?: number }).wanted ?? 0
    return invocation.respond(randomBytes(wanted).toString('base64'))
  })
  const bySession: { readonly type: string; readonly message: string }[] = []
  session.on('fail', (_, { error }) => bySession.push({ type: error.errorType, message: error.errorMessage }))
  const heard = new Promise<void>((resolve) => {
    session.on('fail', () => resolve())
    session.on('status', (status) => {
      if (status.state !== 'store-failed') return
      const { code, message } = status.error
      bySession.push({ type: `LambdaTether.${code}`, message })
      resolve()
    })
  })
  await session.open()
  const stub = tether.stub()
  const body = randomBytes(LARGE_BYTES).toString('base64')
  const event = large === 'event' ? { body } : { wanted: LARGE_BYTES }
  const error: TetherError = await stub(event, stubContext()).then(
    () => expect.unreachable('It was answered.'),
    (reason) => reason,
  )
  await heard
  const ran = runs
  const next = await stub({}, stubContext())
  return { byStub: { type: error.name, message: error.message }, bySession, ran, next }
}

describe.each([
  { large: 'event', failures: OF_THE_EVENT, mayRun: false },
  { large: 'response', failures: OF_THE_RESPONSE, mayRun: true },
] as const)('a large $large with a failing store', ({ large, failures, mayRun }) => {
  test.each(failures)('is STORE_FAILED on both sides, and no hang, if $what', async ({ make, says }) => {
    const { byStub, bySession, ran, next } = await told(make(await setup()), large)
    const failed = { type: 'LambdaTether.STORE_FAILED', message: expect.stringMatching(says) }
    expect(byStub).toEqual(failed)
    expect(bySession).toContainEqual(failed)
    expect(ran).toBe(mayRun ? 1 : 0)
    // What needs no store is answered as ever.
    expect(next).toBe('')
    expect(JSON.stringify([byStub, bySession])).not.toMatch(/X-Amz|Signature=|http:/)
  })
})
