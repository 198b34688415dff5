import type { LogEntry, Task } from '../../core/contracts/executor.js'
import { LineSplitter } from './line-splitter.js'
import { levelOf } from './log-level.js'

/** Hands what one invocation writes to its task, line by line. */
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

  /** The invocation is over: hands out a last line without a line break. */
  flush(): void {
    this.#lines.stdout?.flush()
    this.#lines.stderr?.flush()
  }
}

/** A line as an executor's user gets it. */
export function logEntry(stream: LogEntry['stream'], text: string, time: number): LogEntry {
  const level = levelOf(text)
  return level === undefined ? { stream, text, time } : { stream, text, time, level }
}
