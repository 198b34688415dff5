import { s3 } from 'lambda-tether/stores/s3'
import { CREDENTIALS, REGION } from '../broker/transport.js'
import { median } from '../statistics/quantile.js'

const EXPIRES_IN_MS = 60_000

/**
 * The floor for a body through a store: the same bytes put, got, put and got again through the same network, one after
 * the other, unsealed, with URLs that are signed beforehand. The median of `count`, in milliseconds.
 */
export async function rawTransfersMs({ endpoint, bucket }, bytes, count) {
  const store = s3({ bucket, endpoint, region: REGION, credentials: CREDENTIALS, forcePathStyle: true })
  const body = new Uint8Array(bytes)
  const key = 'raw'
  const put = await store.presignPut(key, { bytes, expiresInMs: EXPIRES_IN_MS })
  const get = await store.presignGet(key, { expiresInMs: EXPIRES_IN_MS })
  const times = []
  for (let i = 0; i < count; i++) {
    const startedAt = performance.now()
    for (const direction of ['there', 'back']) {
      await transfer(put, body)
      const got = await transfer(get)
      if (got.byteLength !== bytes) throw new Error(`Of ${bytes} bytes ${got.byteLength} came ${direction}.`)
    }
    times.push(performance.now() - startedAt)
  }
  await store.delete(key)
  return median(times)
}

async function transfer({ url, headers }, body) {
  const response = await fetch(url, { headers, ...(body && { method: 'PUT', body }) })
  if (!response.ok) throw new Error(`The bucket answered ${response.status}.`)
  return response.arrayBuffer()
}
