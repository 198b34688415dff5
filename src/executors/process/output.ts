import type { LogEntry, Task } from '../../core/contracts/executor.js'
import { logEntry } from '../output/invocation-output.js'

/** How much a process may write before its first invocation, to which this output is attributed. */
const EARLY_CHARACTERS = 1024 * 1024
/** How much of a process's output an error may contain. */
const TAIL_CHARACTERS = 2000
// V8's message before it aborts.
const OUT_OF_MEMORY = /^FATAL ERROR: .*out of memory/i

/** Attributes a process's output to the running invocation, or else to the last one. */
export class ProcessOutput {
  #task: Task | undefined
  readonly #early: LogEntry[] = []
  #earlyCharacters = 0
  #tail = ''
  #outOfMemory: string | undefined

  /** The end of the output. */
  get tail(): string {
    return this.#tail.trimEnd()
  }

  /** The line in which the process reported that it is out of memory. */
  get outOfMemory(): string | undefined {
    return this.#outOfMemory
  }

  /** Attributes further output to this invocation, and any output before the first invocation as well. */
  begin(task: Task): void {
    this.#task = task
    for (const entry of this.#early.splice(0)) task.onLog(entry)
  }

  line(stream: LogEntry['stream'], text: string, time: number): void {
    this.#tail = `${this.#tail}${text.slice(-TAIL_CHARACTERS)}\n`.slice(-TAIL_CHARACTERS)
    if (stream === 'stderr' && OUT_OF_MEMORY.test(text)) this.#outOfMemory = text
    const entry = logEntry(stream, text, time)
    if (this.#task) {
      this.#task.onLog(entry)
      return
    }
    this.#earlyCharacters += text.length
    if (this.#earlyCharacters <= EARLY_CHARACTERS) this.#early.push(entry)
  }
}
