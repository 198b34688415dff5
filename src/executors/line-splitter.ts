/** Turns text that comes in pieces into lines of any length, without their line breaks. */
export class LineSplitter {
  readonly #onLine: (line: string) => void
  #rest = ''

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine
  }

  push(text: string): void {
    let start = 0
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      this.#emit(this.#rest + text.slice(start, end))
      this.#rest = ''
      start = end + 1
    }
    this.#rest += text.slice(start)
  }

  /** Hands out what follows the last line break, if anything does. */
  flush(): void {
    const rest = this.#rest
    this.#rest = ''
    if (rest !== '') this.#emit(rest)
  }

  #emit(line: string): void {
    this.#onLine(line.endsWith('\r') ? line.slice(0, -1) : line)
  }
}
