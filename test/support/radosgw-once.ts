import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestProject } from 'vitest/node'
import { type Radosgw, startRadosgw } from './radosgw.js'

declare module 'vitest' {
  interface ProvidedContext {
    /** A URL that starts the run's radosgw when it is first asked, and answers with its address. */
    radosgwStarter: string
  }
}

/** One radosgw for all tests of a run, started by the first that wants it: it takes ten seconds. */
export default async function radosgwOnce({ provide }: TestProject): Promise<() => Promise<void>> {
  let started: Promise<Radosgw> | undefined
  const server = createServer((_request, response) => {
    started ??= startRadosgw()
    started.then(
      ({ endpoint, region, credentials }) => response.end(JSON.stringify({ endpoint, region, credentials })),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  provide('radosgwStarter', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  return async () => {
    server.close()
    server.closeAllConnections()
    await (await started?.catch(() => undefined))?.[Symbol.asyncDispose]()
  }
}
