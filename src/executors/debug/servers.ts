import { TetherError } from '../../core/base/errors.js'
import type { ExecutorStats } from '../../core/contracts/executor.js'
import type { PoolOptions } from '../pool/options.js'
import { DebugServer } from './server.js'
import type { DebugTarget } from './target.js'

type InspectOption = NonNullable<PoolOptions['inspect']>

/** The ports where debuggers attach to functions. */
export class DebugServers {
  readonly #inspect: InspectOption
  readonly #targets: (functionId: string) => readonly DebugTarget[]
  readonly #servers = new Map<string, { server: DebugServer; listening: Promise<void> }>()
  #closed = false

  /** Starts to listen for the named functions at once. */
  constructor(inspect: InspectOption | undefined, targets: (functionId: string) => readonly DebugTarget[]) {
    this.#inspect = inspect ?? false
    this.#targets = targets
    for (const functionId of typeof this.#inspect === 'object' ? Object.keys(this.#inspect) : []) {
      this.open(functionId)?.catch(() => {})
    }
  }

  /** Whether debuggers can reach a function's workers. */
  has(functionId: string): boolean {
    return typeof this.#inspect === 'object' ? Object.hasOwn(this.#inspect, functionId) : this.#inspect
  }

  /**
   * Resolves when the function's port listens; undefined if the function has no port, or after `close`.
   * @throws TetherError `INVALID_OPTION`
   */
  open(functionId: string): Promise<void> | undefined {
    if (this.#closed || !this.has(functionId)) return undefined
    const known = this.#servers.get(functionId)
    if (known !== undefined) return known.listening
    const port = typeof this.#inspect === 'object' ? (this.#inspect[functionId] ?? 0) : 0
    const server = new DebugServer(() => this.#targets(functionId))
    const listening = server.listen(port).catch((cause: Error) => {
      // The port may be free again at the next invocation.
      this.#servers.delete(functionId)
      const problem = `'inspect': function '${functionId}' cannot have port ${port}: ${cause.message}.`
      throw new TetherError('INVALID_OPTION', problem, { cause })
    })
    this.#servers.set(functionId, { server, listening })
    return listening
  }

  /** Adds the ports to an executor's statistics. */
  addPorts(stats: Record<string, ExecutorStats>): Record<string, ExecutorStats> {
    for (const [functionId, { server }] of this.#servers) {
      const own = stats[functionId]
      const { port } = server
      if (own !== undefined && port !== undefined) stats[functionId] = { ...own, inspectPort: port }
    }
    return stats
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(
      [...this.#servers.values()].map(async ({ server, listening }) => {
        await listening.catch(() => {})
        await server.close()
      }),
    )
  }
}
