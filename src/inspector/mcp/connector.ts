import { jsonValue } from '../../core/base/json.js'
import { findInspector, runningInspectors } from '../discovery/file.js'

/** The fields of a JSON-RPC message that the connector reads. */
interface Message {
  readonly id?: unknown
  readonly method?: unknown
  readonly params?: {
    readonly name?: unknown
    readonly uri?: unknown
    readonly _meta?: Readonly<Record<string, unknown>>
  }
}

const VERSION_KEY = 'io.modelcontextprotocol/protocolVersion'
/** JSON-RPC leaves -32000 to -32099 to servers. */
const SERVER_ERROR = -32_000

/**
 * Forwards an agent's messages to the inspector of a folder, or of a parent folder. Looks for it at each message, so
 * that the host may start later, or again.
 */
export class Connector {
  readonly #folder: string
  readonly #write: (line: string) => void

  /** @param write takes each message for the agent */
  constructor(folder: string, write: (line: string) => void) {
    this.#folder = folder
    this.#write = write
  }

  /** Forwards a line. Never rejects. */
  async forward(line: string): Promise<void> {
    const message = parsed(line)
    if (message === undefined) return
    try {
      const inspector = await findInspector(this.#folder)
      if (inspector === undefined) return this.#fail(message, await this.#advice())
      const response = await fetch(`${inspector.url}/mcp`, {
        method: 'POST',
        headers: { ...headersOf(message), Authorization: `Bearer ${inspector.token}` },
        body: line,
      })
      await this.#answer(message, response)
    } catch (error) {
      const { message: text, cause } = error as Error
      this.#fail(
        message,
        `The inspector cannot be reached: ${cause instanceof Error ? cause.message : text}. Try again.`,
      )
    }
  }

  async #answer(message: Message, response: Response): Promise<void> {
    const text = await response.text()
    const isStream = /event-stream/.test(response.headers.get('content-type') ?? '')
    const messages = isStream ? [...text.matchAll(/^data: ?(.+)$/gm)].map(([, data]) => data!) : [text.trim()]
    const answers = messages.filter(
      (each) => (parsed(each) as { jsonrpc?: unknown } | undefined)?.jsonrpc === '2.0',
    )
    for (const each of answers) this.#write(each)
    if (answers.length > 0 || response.ok) return
    const { error } = (parsed(text) ?? {}) as { readonly error?: { readonly message?: unknown } }
    this.#fail(message, String(error?.message ?? `The inspector answered ${response.status}.`))
  }

  #fail({ id }: Message, message: string): void {
    if (id === undefined) return
    this.#write(JSON.stringify({ jsonrpc: '2.0', id, error: { code: SERVER_ERROR, message } }))
  }

  async #advice(): Promise<string> {
    const others = (await runningInspectors()).map(({ folder }) => folder)
    const there = others.length === 0 ? 'None runs.' : `Those that run are of ${others.join(', ')}.`
    return `No inspector of ${this.#folder}, or of a folder above, runs. ${there} Start the host that calls inspect(), then try again.`
  }
}

// The revision of 2026-07-28 requires these facts of the body in headers; earlier ones ignore them.
function headersOf({ method, params }: Message): Record<string, string> {
  const headers: Record<string, string> = {
    'Content-Type': 'application/json',
    Accept: 'application/json, text/event-stream',
  }
  const version = params?._meta?.[VERSION_KEY]
  if (typeof version !== 'string') return headers
  const name = params?.name ?? params?.uri
  return {
    ...headers,
    'MCP-Protocol-Version': version,
    'Mcp-Method': String(method),
    ...(typeof name === 'string' && { 'Mcp-Name': name }),
  }
}

function parsed(line: string): Message | undefined {
  const value = jsonValue(line)
  return typeof value === 'object' && value !== null ? value : undefined
}
