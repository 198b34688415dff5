import { randomUUID } from 'node:crypto'
import { url } from 'node:inspector'
import type { ThreadInspector } from './inspector.js'
import type { DebugLink, DebugListener, DebugTarget } from './target.js'

/** A worker thread of this process. */
export class ThreadDebugTarget implements DebugTarget {
  readonly id = randomUUID()
  readonly reachable = true
  readonly title: string
  readonly #threadId: number
  readonly #inspector: ThreadInspector
  #links = 0

  constructor(threadId: number, title: string, inspector: ThreadInspector) {
    this.#threadId = threadId
    this.title = title
    this.#inspector = inspector
  }

  /** Debuggers of this process reach its threads; Node does not tell whether one is attached. */
  get attached(): boolean {
    return url() !== undefined || this.#links > 0
  }

  async connect({ onMessage, onClose }: DebugListener): Promise<DebugLink> {
    let open = true
    const leave = () => {
      if (open) this.#links--
      open = false
    }
    this.#links++
    try {
      const link = await this.#inspector.connect(this.#threadId, {
        onMessage,
        onClose: () => {
          leave()
          onClose()
        },
      })
      return {
        send: link.send,
        close: () => {
          leave()
          link.close()
        },
      }
    } catch (error) {
      leave()
      throw error
    }
  }

  /** Terminates the thread. A paused thread terminates only when it continues, without running more of its own code. */
  async end(terminate: () => Promise<unknown>): Promise<void> {
    const { attached } = this
    const terminated = terminate()
    if (attached) void this.#resume()
    await terminated
  }

  /** Continues the thread whenever it is paused, until it ends. */
  async #resume(): Promise<void> {
    const link = await this.connect({
      onMessage: (message) => {
        if (message.startsWith('{"method":"Debugger.paused"'))
          link?.send('{"id":2,"method":"Debugger.resume"}')
      },
      onClose() {},
    }).catch(() => undefined)
    // Paused code reports its pause now.
    link?.send('{"id":1,"method":"Debugger.enable"}')
  }
}
