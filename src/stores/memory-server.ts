import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { UrlSigner } from './memory-urls.js'

/** The objects to serve, and the signer of their URLs. */
export interface MemoryServerOptions {
  readonly host: string
  readonly objects: Map<string, Uint8Array>
  readonly urls: UrlSigner
}

/** Serves presigned URLs, with the statuses and the codes that S3 answers. It keeps no process alive. */
export async function startMemoryServer({ host, objects, urls }: MemoryServerOptions) {
  const server = createServer((request, response) => void serve(request, response, objects, urls))
  server.on('connection', (socket) => socket.unref())
  server.listen(0, host)
  await once(server, 'listening')
  server.unref()
  const name = host.includes(':') ? `[${host}]` : host
  return {
    url: `http://${name}:${(server.address() as AddressInfo).port}`,
    async close(): Promise<void> {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  objects: Map<string, Uint8Array>,
  urls: UrlSigner,
): Promise<void> {
  const { method = '', url = '', headers } = request
  const length = headers['content-length']
  const grant = urls.check(url)
  if (!grant || grant.method !== method) return refuse(request, response, 403, 'SignatureDoesNotMatch')
  if (grant.expired) return refuse(request, response, 403, 'AccessDenied', 'Request has expired')
  if (method === 'GET') {
    const body = objects.get(grant.key)
    if (body === undefined) return refuse(request, response, 404, 'NoSuchKey')
    response.writeHead(200, { 'content-length': body.length }).end(body)
    return
  }
  if (length === undefined) return refuse(request, response, 411, 'MissingContentLength')
  if (Number(length) !== grant.bytes) return refuse(request, response, 403, 'SignatureDoesNotMatch')
  try {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    objects.set(grant.key, Buffer.concat(chunks))
    response.writeHead(200, { 'content-length': 0 }).end()
  } catch {
    // The sender left in the middle of the body, so no object is stored.
    response.destroy()
  }
}

/** Answers in S3's format. Reads and discards the body, so that the sender gets to see the answer. */
function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  code: string,
  message = code,
): void {
  const xml = `<Error><Code>${code}</Code><Message>${message}</Message></Error>`
  request.on('error', () => {}).resume()
  response
    .writeHead(status, { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(xml) })
    .end(xml)
}
