import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { fileURLToPath } from 'node:url'
import { WebSocket } from 'ws'

type Params = Record<string, unknown>

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: Params
  readonly result?: Params
  readonly error?: { readonly message: string }
}

export interface Paused {
  readonly hitBreakpoints?: readonly string[]
  readonly callFrames: readonly {
    readonly callFrameId: string
    readonly functionName: string
    readonly location: { readonly lineNumber: number }
  }[]
}

/** What a debugger does with one thread or process, over whatever carries its messages. */
export class Cdp {
  readonly #send: (message: string) => void
  readonly #answers = new Map<number, (message: Message) => void>()
  readonly #listeners = new Set<(message: Message) => void>()
  readonly #seen: Message[] = []
  #lastId = 0

  constructor(send: (message: string) => void) {
    this.#send = send
  }

  receive(text: string): void {
    const message = JSON.parse(text) as Message
    if (message.id !== undefined) return this.#answers.get(message.id)?.(message)
    this.#seen.push(message)
    for (const listener of this.#listeners) listener(message)
  }

  async call(method: string, params: Params = {}): Promise<Params> {
    const id = ++this.#lastId
    const answered = new Promise<Message>((resolve) => this.#answers.set(id, resolve))
    this.#send(JSON.stringify({ id, method, params }))
    const { result, error } = await answered
    if (error !== undefined) throw new Error(`${method}: ${error.message}`)
    return result ?? {}
  }

  /** The next event of that name, from now on, or an earlier one that is taken then by nobody else. */
  event(method: string, wanted: (params: Params) => boolean = () => true): Promise<Params> {
    const matches = (message: Message) => message.method === method && wanted(message.params ?? {})
    const index = this.#seen.findIndex(matches)
    if (index !== -1) return Promise.resolve(this.#seen.splice(index, 1)[0]?.params ?? {})
    return new Promise((resolve) => {
      const listener = (message: Message) => {
        if (!matches(message)) return
        this.#listeners.delete(listener)
        this.#seen.splice(this.#seen.indexOf(message), 1)
        resolve(message.params ?? {})
      }
      this.#listeners.add(listener)
    })
  }

  async paused(): Promise<Paused> {
    return (await this.event('Debugger.paused')) as unknown as Paused
  }

  /** Sets a breakpoint where the source map of a loaded script says that a line of its source is; gives its id. */
  async breakAt(source: string, line: number): Promise<string> {
    await this.call('Debugger.enable')
    const script = await this.event('Debugger.scriptParsed', ({ url, sourceMapURL }) => {
      return (
        typeof sourceMapURL === 'string' && sourceMapURL !== '' && leadsTo(String(url), sourceMapURL, source)
      )
    })
    const map = mapOf(String(script.url), String(script.sourceMapURL))
    const location = generatedLine(map, source, line, Number(script.endLine))
    const { breakpointId } = await this.call('Debugger.setBreakpoint', {
      location: { scriptId: script.scriptId, ...location },
    })
    return String(breakpointId)
  }

  /** The value of an expression in the topmost frame of paused code. */
  async read({ callFrames }: Paused, expression: string): Promise<unknown> {
    const { result } = await this.call('Debugger.evaluateOnCallFrame', {
      callFrameId: callFrames[0]?.callFrameId,
      expression,
      returnByValue: true,
    })
    return (result as { value: unknown }).value
  }
}

/** A debugger's connection to an inspector. */
export class CdpSocket extends Cdp implements AsyncDisposable {
  readonly #socket: WebSocket
  readonly #workers = new Map<string, Cdp>()

  private constructor(socket: WebSocket) {
    super((message) => socket.send(message))
    this.#socket = socket
    socket.on('message', (data) => {
      const { method, params } = JSON.parse(String(data)) as Message
      if (method === 'NodeWorker.receivedMessageFromWorker') {
        this.#workers.get(String(params?.sessionId))?.receive(String(params?.message))
      } else this.receive(String(data))
    })
  }

  static async connect(url: string | undefined): Promise<CdpSocket> {
    if (url === undefined) throw new Error('There is no inspector.')
    const socket = new WebSocket(url)
    const client = new CdpSocket(socket)
    await once(socket, 'open')
    return client
  }

  /** The first living or starting thread of that name. */
  async worker(name: string): Promise<Cdp> {
    await this.call('NodeWorker.enable', { waitForDebuggerOnStart: false })
    const { sessionId } = await this.event('NodeWorker.attachedToWorker', ({ workerInfo }) =>
      (workerInfo as { title: string }).title.endsWith(`] ${name}`),
    )
    const worker = new Cdp((message) => {
      void this.call('NodeWorker.sendMessageToWorker', { sessionId, message }).catch(() => {})
    })
    this.#workers.set(String(sessionId), worker)
    return worker
  }

  get closed(): Promise<unknown> {
    return this.#socket.readyState === WebSocket.CLOSED ? Promise.resolve() : once(this.#socket, 'close')
  }

  async close(): Promise<void> {
    const { closed } = this
    this.#socket.close()
    await closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function mapOf(url: string, sourceMapUrl: string): SourceMap {
  return new SourceMap(JSON.parse(readFileSync(fileURLToPath(new URL(sourceMapUrl, url)), 'utf8')))
}

function leadsTo(url: string, sourceMapUrl: string, source: string): boolean {
  if (!url.startsWith('file:')) return false
  const root = new URL(sourceMapUrl, url)
  const { sources, sourceRoot = '' } = mapOf(url, sourceMapUrl).payload
  return sources.some((one) => fileURLToPath(new URL(sourceRoot + one, root)) === source)
}

function generatedLine(map: SourceMap, source: string, line: number, lines: number) {
  const name = source.replace(/^.*[\\/]/, '')
  for (let lineNumber = 0; lineNumber <= lines; lineNumber++) {
    for (let columnNumber = 0; columnNumber < 200; columnNumber++) {
      const entry = map.findEntry(lineNumber, columnNumber)
      const exact = 'generatedLine' in entry && entry.generatedLine === lineNumber
      if (exact && entry.originalLine === line - 1 && entry.originalSource.endsWith(name)) {
        return { lineNumber, columnNumber: entry.generatedColumn }
      }
    }
  }
  throw new Error(`Nothing was made of line ${line} of ${source}.`)
}
