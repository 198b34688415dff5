import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import type { Cancel, Clock } from '../../core/base/clock.js'
import type { LogEntry } from '../../core/contracts/executor.js'
import { LineSplitter } from '../output/line-splitter.js'
import { BEGUN_FD } from './bootstrap-protocol.js'
import { type GroupSignal, signalGroup } from './group.js'

/** How to start a runtime. */
export interface RuntimeCommand {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  /** The process's whole environment. */
  readonly env: Readonly<Record<string, string>>
}

/** How a runtime's process ended. */
export type ProcessEnd =
  | { readonly kind: 'exit'; readonly code: number | null; readonly signal: string | null }
  /** The process could not be started. */
  | { readonly kind: 'spawn'; readonly error: Error }

// A grandchild outside the process group may hold the output open forever.
const OUTPUT_MS = 500

/** A runtime's process. It leads its own process group, so that a signal also reaches its children. */
export class RuntimeProcess {
  /** Resolves when the process and its group are gone and the output has been read to its end. */
  readonly ended: Promise<ProcessEnd>
  readonly #child: ChildProcess
  readonly #lines: LineSplitter[] = []
  #gone = false

  /**
   * @param onBegun called with the number of further invocations begun; only this package's bootstraps have the pipe
   * for it
   */
  constructor(
    command: RuntimeCommand,
    clock: Clock,
    onLine: (stream: LogEntry['stream'], text: string) => void,
    onBegun?: (count: number) => void,
  ) {
    const child = spawn(command.command, command.args, {
      cwd: command.cwd,
      env: command.env,
      detached: true,
      windowsHide: true,
      stdio: ['ignore', 'pipe', 'pipe', ...(onBegun ? ['pipe' as const] : [])],
    })
    this.#child = child
    // Undefined if the host has too many open files to start a process.
    this.#capture(child.stdout as Readable | undefined, (text) => onLine('stdout', text))
    this.#capture(child.stderr as Readable | undefined, (text) => onLine('stderr', text))
    const stdio = child.stdio as ChildProcess['stdio'] | undefined
    stdio?.[BEGUN_FD]?.on('data', (chunk: Buffer) => onBegun?.(chunk.byteLength))
    this.ended = new Promise((resolve) => {
      child.once('error', (error) => {
        if (child.pid === undefined) resolve({ kind: 'spawn', error })
      })
      child.once('exit', (code, signal) => {
        this.signal('SIGKILL') // ends children that the process left behind
        this.#gone = true
        void this.#drain(clock).then(() => resolve({ kind: 'exit', code, signal }))
      })
    })
  }

  /** Absent if the process could not be started. */
  get pid(): number | undefined {
    return this.#child.pid
  }

  /** True from the exit on, even while the last output is still being read. */
  get gone(): boolean {
    return this.#gone
  }

  /** Signals the whole group, even if it is frozen; does nothing if it is gone. */
  signal(signal: GroupSignal): void {
    // The id of an ended process may belong to another one by now.
    if (this.pid !== undefined && !this.#gone) signalGroup(this.pid, signal)
  }

  /** Emits a last line without a line break. */
  flush(): void {
    for (const lines of this.#lines) lines.flush()
  }

  #capture(source: Readable | undefined, onLine: (text: string) => void): void {
    const decoder = new StringDecoder('utf8')
    const lines = new LineSplitter(onLine)
    this.#lines.push(lines)
    source?.on('data', (chunk: Buffer) => lines.push(decoder.write(chunk)))
  }

  async #drain(clock: Clock): Promise<void> {
    let cancel: Cancel = () => {}
    const late = new Promise<void>((resolve) => {
      cancel = clock.schedule(OUTPUT_MS, resolve)
    })
    const closed = new Promise<void>((resolve) => this.#child.once('close', () => resolve()))
    await Promise.race([closed, late])
    cancel()
    this.#child.stdout?.destroy()
    this.#child.stderr?.destroy()
    this.#child.stdio[BEGUN_FD]?.destroy()
    this.flush()
  }
}
