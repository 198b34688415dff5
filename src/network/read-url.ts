import type { IncomingMessage } from 'node:http'
import { connectionAgent } from './outgoing.js'

/** Reads a URL with GET, by the way that the environment names; redirects are not followed. @throws what the network throws */
export async function readUrl(
  address: string,
  signal?: AbortSignal,
): Promise<{ readonly status: number; readonly body: Buffer }> {
  const url = new URL(address)
  const agent = await connectionAgent(url, {}, signal)
  const { get } = await (url.protocol === 'https:' ? import('node:https') : import('node:http'))
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      get(url, { ...(agent && { agent }), ...(signal && { signal }) }, resolve).on('error', reject)
    })
    const chunks: Buffer[] = []
    for await (const chunk of response) chunks.push(chunk as Buffer)
    return { status: response.statusCode ?? 0, body: Buffer.concat(chunks) }
  } finally {
    agent?.destroy()
  }
}
