import { Readable } from 'node:stream'
import type { Answer } from './answer.js'
import type { ServiceName } from './service.js'

/** The part of an AWS client that is needed to see its answers. */
interface ObservedClient {
  readonly middlewareStack: {
    // The SDK's own types differ from client to client.
    // biome-ignore lint/suspicious/noExplicitAny: the middleware of any client
    add(middleware: any, options: any): void
  }
}

interface HttpResponse {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
  body: unknown
}

// Their bodies are a caller's own bytes.
const OWN_BYTES: readonly string[] = ['Invoke', 'GetObject']

/** Calls `onAnswer` with each answer that a client gets, before the client reads it. */
export function recordAnswers(
  client: ObservedClient,
  service: ServiceName,
  onAnswer: (answer: Answer) => void,
): void {
  const middleware =
    (next: (args: unknown) => Promise<{ response: HttpResponse }>, context: { commandName: string }) =>
    async (args: unknown) => {
      const result = await next(args)
      const { response } = result
      const operation = context.commandName.replace(/Command$/, '')
      const bytes = await allOf(response.body)
      response.body = Readable.from([bytes], { objectMode: false })
      const kept = response.statusCode < 300 && OWN_BYTES.includes(operation) ? '' : bytes.toString('utf8')
      const headers = Object.fromEntries(
        Object.entries(response.headers).map(([name, value]) => [name.toLowerCase(), value]),
      )
      onAnswer({ service, operation, status: response.statusCode, headers, body: kept })
      return result
    }
  // The innermost: what it gets is what came over HTTP.
  client.middlewareStack.add(middleware, { step: 'deserialize', priority: 'low', name: 'recordAnswers' })
}

async function allOf(body: unknown): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) chunks.push(chunk)
  return Buffer.concat(chunks)
}
