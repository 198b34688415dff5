import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { PayloadStore } from '../../src/core/contracts/payload-store.js'
import { type MemoryStore, memoryStore } from '../../src/stores/memory.js'

/** What a store's URLs can be careless about. */
export type Carelessness = 'once' | 'any-method' | 'any-key' | 'any-length' | 'any-time'

interface Grant {
  readonly method: string
  readonly key: string
  readonly until: number
  readonly bytes?: number
}

/** A store whose URLs are remembered, not signed, and careless in one way or in none. */
export async function naiveStore(
  carelessness: Carelessness | undefined,
  now: () => number,
): Promise<{ store: PayloadStore; close(): Promise<void> }> {
  const objects = memoryStore()
  const grants = new Map<string, Grant>()
  const server = createServer((request, response) => {
    void serve(request, objects, grants, now(), carelessness).then(({ status, body }) => {
      response.writeHead(status).end(body)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const presign = async (grant: Grant, signal: AbortSignal | undefined) => {
    // Throws what an aborted signal makes it throw.
    await objects.put('', new Uint8Array(), signal && { signal })
    const id = randomUUID()
    grants.set(id, grant)
    return { url: `http://127.0.0.1:${port}/${encodeURIComponent(grant.key)}?${id}`, headers: {} }
  }
  const { put, get, delete: remove } = objects
  return {
    store: {
      name: 'naive',
      put,
      get,
      delete: remove,
      presignPut: (key, { bytes, expiresInMs, signal }) =>
        presign({ method: 'PUT', key, bytes, until: now() + expiresInMs }, signal),
      presignGet: (key, { expiresInMs, signal }) =>
        presign({ method: 'GET', key, until: now() + expiresInMs }, signal),
    },
    async close() {
      server.close()
      server.closeAllConnections()
      await objects.close()
    },
  }
}

/** What a request is answered with. */
async function serve(
  request: IncomingMessage,
  objects: MemoryStore,
  grants: Map<string, Grant>,
  now: number,
  carelessness: Carelessness | undefined,
): Promise<{ status: number; body?: Uint8Array }> {
  const { method = '', url = '' } = request
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const sent = Buffer.concat(chunks)
  const [path = '', id = ''] = url.slice(1).split('?')
  const key = decodeURIComponent(path)
  const grant = grants.get(id)
  const right =
    grant !== undefined &&
    (carelessness === 'any-method' || grant.method === method) &&
    (carelessness === 'any-key' || grant.key === key) &&
    (carelessness === 'any-time' || grant.until >= now) &&
    (carelessness === 'any-length' || grant.bytes === undefined || grant.bytes === sent.length)
  if (!right) return { status: 403 }
  if (carelessness === 'once') grants.delete(id)
  if (method === 'PUT') await objects.put(key, sent)
  if (method === 'DELETE') await objects.delete(key)
  if (method !== 'GET') return { status: 200 }
  try {
    return { status: 200, body: await objects.get(key, { maxBytes: Number.POSITIVE_INFINITY }) }
  } catch {
    return { status: 404 }
  }
}
