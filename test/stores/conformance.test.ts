import { beforeAll, describe, test } from 'vitest'
import { S3Bucket } from '../../src/local/s3/bucket.js'
import { memoryStore } from '../../src/stores/memory.js'
import { s3 } from '../../src/stores/s3.js'
import { payloadStoreConformance } from '../../src/testing/payload-store/conformance.js'
import { ManualClock } from '../support/manual-clock.js'
import { type RadosgwAddress, radosgw } from '../support/radosgw.js'
import { RADOSGW_START_MS, sharedRadosgw } from '../support/radosgw-shared.js'
import { s3Request } from '../support/s3-request.js'
import { bucketName, startLocalS3 } from '../support/s3-subjects.js'

describe('memory', () => {
  payloadStoreConformance({
    test,
    factory: () => {
      const clock = new ManualClock()
      const store = memoryStore({ clock })
      return { store, advance: (ms) => clock.jump(ms), close: () => store.close() }
    },
  })
})

describe('s3 on the local endpoint', () => {
  payloadStoreConformance({
    test,
    factory: async () => {
      const { clock, buckets, close, endpoint, region, credentials } = await startLocalS3()
      const bucket = bucketName()
      buckets.set(bucket, new S3Bucket(bucket, { clock, region: 'us-east-1' }))
      const store = s3({ bucket, endpoint, region, credentials })
      return { store, advance: (ms) => clock.jump(ms), close }
    },
  })
})

describe.skipIf(!radosgw)('s3 on a real server (needs radosgw)', () => {
  let server: RadosgwAddress
  const bucket = bucketName()

  beforeAll(async () => {
    server = await sharedRadosgw()
    await s3Request(server, { method: 'PUT', path: `/${bucket}` })
  }, RADOSGW_START_MS)

  payloadStoreConformance({ test, factory: () => ({ store: s3({ ...server, bucket }) }) })
})
