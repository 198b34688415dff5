import type { LogEntry, Task } from '../../core/contracts/executor.js'
import { logEntry } from '../output/invocation-output.js'

/** How much a process may write before its first invocation, which gets it. */
const EARLY_CHARACTERS = 1024 * 1024
/** How much of what a process wrote may stand in an error. */
const TAIL_CHARACTERS = 2000
// As V8 says it, before it aborts.
const OUT_OF_MEMORY = /^FATAL ERROR: .*out of memory/i

/** Whose a process's lines are: those of the invocation that is in flight, or that was last. */
export class ProcessOutput {
  #task: Task | undefined
  readonly #early: LogEntry[] = []
  #earlyCharacters = 0
  #tail = ''
  #outOfMemory: string | undefined

  /** The last of what it wrote. */
  get tail(): string {
    return this.#tail.trimEnd()
  }

  /** The line in which it said that its memory is used up. */
  get outOfMemory(): string | undefined {
    return this.#outOfMemory
  }

  /** What follows is this invocation's, and so is what came before any. */
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
