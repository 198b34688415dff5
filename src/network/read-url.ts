import type { IncomingMessage } from 'node:http'
import { onAbort } from '../core/base/abort.js'
import { type Clock, systemClock } from '../core/base/clock.js'
import type { AbortOptions } from '../core/contracts/transport.js'
import { connectionAgent } from './outgoing.js'

/** The longest silence of a server: Node's own requests wait forever. */
const SILENCE_MS = 60_000

/**
 * Reads a URL with GET, through the proxy that the environment names, if any. Does not follow redirects.
 * @throws the network's errors; an error if the server is silent for a minute
 */
export async function readUrl(
  address: string,
  { signal, clock = systemClock }: AbortOptions & { readonly clock?: Clock } = {},
): Promise<{ readonly status: number; readonly body: Buffer }> {
  const url = new URL(address)
  const attempt = new AbortController()
  const unlisten = onAbort(signal, () => attempt.abort(signal?.reason))
  const wait = () =>
    clock.schedule(SILENCE_MS, () =>
      attempt.abort(new Error(`the server said nothing for ${SILENCE_MS / 1_000} s`)),
    )
  let cancel = wait()
  try {
    const agent = await connectionAgent(url, {}, attempt.signal)
    const { get } = await (url.protocol === 'https:' ? import('node:https') : import('node:http'))
    try {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        get(url, { ...(agent && { agent }), signal: attempt.signal }, resolve).on('error', reject)
      })
      const chunks: Buffer[] = []
      for await (const chunk of response) {
        cancel()
        cancel = wait()
        chunks.push(chunk as Buffer)
      }
      return { status: response.statusCode ?? 0, body: Buffer.concat(chunks) }
    } finally {
      agent?.destroy()
    }
  } catch (error) {
    throw attempt.signal.aborted ? attempt.signal.reason : error
  } finally {
    cancel()
    unlisten()
  }
}
