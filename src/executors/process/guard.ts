import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { runFile } from '../../run-files.js'

/**
 * A small process on a pipe. It kills every watched process group, even a frozen one, if this process ends without
 * closing the pipe first: after a crash, `process.exit()` or SIGKILL.
 */
export class Guard implements AsyncDisposable {
  readonly #pids = new Set<number>()
  #process: ChildProcess | undefined
  #closed = false

  /** Watches a process group by its leader's id. Starts the guard if it is not running. */
  watch(pid: number): void {
    this.#pids.add(pid)
    if (this.#process === undefined) this.#start()
    else this.#tell(`+${pid}\n`)
  }

  /** Forgets a process group that has ended. */
  release(pid: number): void {
    this.#pids.delete(pid)
    this.#tell(`-${pid}\n`)
  }

  /** Ends the guard, which kills all groups still watched. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true
    const guard = this.#process
    if (guard === undefined || guard.exitCode !== null || guard.signalCode !== null) return
    guard.ref()
    const ended = once(guard, 'exit')
    guard.stdin?.end()
    await ended
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #start(): void {
    if (this.#closed) return
    const guard = spawn(process.execPath, [runFile('guard')], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      windowsHide: true,
      env: process.env.SYSTEMROOT === undefined ? {} : { SYSTEMROOT: process.env.SYSTEMROOT },
    })
    this.#process = guard
    guard.once('exit', (_code, signal) => this.#forget(guard, signal !== null))
    guard.once('error', () => this.#forget(guard, false))
    guard.stdin?.on('error', () => {})
    guard.unref()
    for (const pid of this.#pids) this.#tell(`+${pid}\n`)
  }

  // A killed guard is replaced at once and told of all groups; a guard that failed by itself is replaced on next use.
  #forget(guard: ChildProcess, killed: boolean): void {
    if (this.#process !== guard) return
    this.#process = undefined
    if (killed && this.#pids.size > 0) this.#start()
  }

  #tell(line: string): void {
    if (this.#process?.stdin?.writable === true) this.#process.stdin.write(line)
  }
}
