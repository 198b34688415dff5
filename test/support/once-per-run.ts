import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What all tests of a run share, started by the first that wants it. */
export interface OncePerRun extends AsyncDisposable {
  /** Starts it when it is first asked, and answers with what {@link sharedByRun} gives. */
  readonly url: string
}

/**
 * For a global set-up, which runs in another process than tests.
 * @param start what takes long
 * @param shown what tests are told of it, as JSON
 */
export async function oncePerRun<Started extends AsyncDisposable>(
  start: () => Promise<Started>,
  shown: (started: Started) => unknown,
): Promise<OncePerRun> {
  let starting: Promise<Started> | undefined
  const server = createServer((_request, response) => {
    starting ??= start()
    starting.then(
      (started) => response.end(JSON.stringify(shown(started))),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await (await starting?.catch(() => undefined))?.[Symbol.asyncDispose]()
    },
  }
}

/** What the run shares at a URL. @throws Error with what it failed with */
export async function sharedByRun<Shown>(url: string): Promise<Shown> {
  const response = await fetch(url)
  if (!response.ok) throw new Error(await response.text())
  return (await response.json()) as Shown
}
