/**
 * The longest line in characters; longer lines are split. A program that never ends its line would fill this process's
 * memory, and V8's longest text has 512 Mi characters.
 */
const LONGEST_LINE = 64 * 1024 * 1024

/** Splits text that arrives in pieces into lines, without their line breaks. */
export class LineSplitter {
  readonly #onLine: (line: string) => void
  #rest = ''

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine
  }

  push(text: string): void {
    let start = 0
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      this.#append(text.slice(start, end))
      this.#emit(this.#rest)
      this.#rest = ''
      start = end + 1
    }
    this.#append(text.slice(start))
  }

  /** Emits the text after the last line break, if any. */
  flush(): void {
    const rest = this.#rest
    this.#rest = ''
    if (rest !== '') this.#emit(rest)
  }

  #append(text: string): void {
    if (this.#rest.length + text.length > LONGEST_LINE) this.flush()
    this.#rest += text
  }

  #emit(line: string): void {
    this.#onLine(line.endsWith('\r') ? line.slice(0, -1) : line)
  }
}
