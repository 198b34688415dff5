import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** How the proxy treats who asks it; see `proxy-process.cjs`. */
export interface TestProxyOptions {
  /** It wants this password of `user`. */
  readonly password?: string
  /** It refuses with this status. */
  readonly status?: number
  /** It never answers. */
  readonly silent?: boolean
  /** It ends TLS itself, with this certificate. */
  readonly intercept?: { readonly cert: string; readonly key: string }
  /** It is an `https://` proxy, with this certificate. */
  readonly tls?: { readonly cert: string; readonly key: string }
}

/** An HTTP proxy in a process of its own. */
export interface TestProxy extends AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly host: string
  /** The targets that it was asked to connect to. */
  readonly asked: readonly string[]
  /** Resolves when it has been asked for a target. */
  nextAsked(): Promise<string>
  /** Resolves when a client's socket is closed. */
  nextClosed(): Promise<string>
}

type Message = { port?: number; asked?: string; closed?: string }

/** Starts a proxy. */
export async function startProxy(options: TestProxyOptions = {}): Promise<TestProxy> {
  const script = fileURLToPath(new URL('./proxy-process.cjs', import.meta.url))
  const child = fork(script, [JSON.stringify(options)], { execArgv: [] })
  const queues = { asked: new Queue(), closed: new Queue() }
  const asked: string[] = []
  child.on('message', (message: Message) => {
    if (message.closed !== undefined) queues.closed.put(message.closed)
    if (message.asked === undefined) return
    asked.push(message.asked)
    queues.asked.put(message.asked)
  })
  const [{ port }] = (await once(child, 'message')) as [Message]
  return {
    host: `127.0.0.1:${port}`,
    asked,
    nextAsked: () => queues.asked.take(),
    nextClosed: () => queues.closed.take(),
    async [Symbol.asyncDispose]() {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}

class Queue {
  readonly #items: string[] = []
  #wake = () => {}

  put(item: string): void {
    this.#items.push(item)
    this.#wake()
  }

  async take(): Promise<string> {
    while (this.#items.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.#items.shift()!
  }
}
