import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'

/** A shell that is open, as somebody who follows a document has one: what a block sets, the next one sees. */
export class Terminal implements AsyncDisposable {
  readonly #shell: ChildProcess
  readonly #closed: Promise<unknown>
  readonly #waiting = new Set<() => void>()
  #output = ''

  constructor(folder: string, env: Readonly<Record<string, string | undefined>>) {
    // A group of its own takes a Ctrl+C as a terminal gives it: to everything that runs in it.
    this.#shell = spawn('bash', ['-eu', '-o', 'pipefail'], { cwd: folder, env, detached: true })
    this.#closed = once(this.#shell, 'close')
    for (const stream of [this.#shell.stdout!, this.#shell.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text
        for (const wake of this.#waiting) wake()
      })
    }
    this.#shell.on('close', () => {
      for (const wake of this.#waiting) wake()
    })
  }

  /** Everything written so far. */
  get output(): string {
    return this.#output
  }

  /** Runs a block and gives what it wrote. Rejects where a command of it fails. */
  async run(block: string): Promise<string> {
    const start = this.#output.length
    const end = `done ${randomUUID()}`
    this.#shell.stdin!.write(`${block}\necho '${end}'\n`)
    await this.wrote(end)
    return this.#output.slice(start, this.#output.indexOf(end))
  }

  /** Starts a block that goes on by itself; the terminal closes when it ends. */
  start(block: string): void {
    this.#shell.stdin!.end(block)
  }

  /** Resolves when the output has this text. */
  async wrote(text: string): Promise<void> {
    while (!this.#output.includes(text)) {
      if (this.#shell.exitCode !== null || this.#shell.signalCode !== null) {
        throw new Error(`The shell has ended; it wrote:\n${this.#output}`)
      }
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake)
          resolve()
        }
        this.#waiting.add(wake)
      })
    }
  }

  /** Presses Ctrl+C; resolves with the exit code when everything in it has ended. */
  async interrupt(): Promise<number | null> {
    this.#signal('SIGINT')
    await this.#closed
    return this.#shell.exitCode
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal('SIGKILL')
    await this.#closed
  }

  #signal(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.#shell.pid!, signal)
    } catch {
      // It has ended.
    }
  }
}
