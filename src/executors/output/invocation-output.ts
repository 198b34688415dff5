import type { LogEntry, Task } from '../../core/contracts/executor.js'
import { LineSplitter } from './line-splitter.js'
import { levelOf } from './log-level.js'

/** Splits an invocation's output into lines for its task. */
export class InvocationOutput {
  readonly #task: Task
  readonly #lines: { stdout?: LineSplitter; stderr?: LineSplitter } = {}
  #time = 0

  constructor(task: Task) {
    this.#task = task
  }

  write(stream: LogEntry['stream'], text: string, time: number): void {
    this.#time = time
    this.#lines[stream] ??= new LineSplitter((line) => this.#task.onLog(logEntry(stream, line, this.#time)))
    this.#lines[stream].push(text)
  }

  /** Emits a last line without a line break, at the end of the invocation. */
  flush(): void {
    this.#lines.stdout?.flush()
    this.#lines.stderr?.flush()
  }
}

/** Converts a line to a log entry, with its level if it has one. */
export function logEntry(stream: LogEntry['stream'], text: string, time: number): LogEntry {
  const level = levelOf(text)
  return level === undefined ? { stream, text, time } : { stream, text, time, level }
}
