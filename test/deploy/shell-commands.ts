/** One command's words, quotes removed; `$NAME` and `$(…)` stay as they are written. */
export type Words = readonly string[]

/**
 * The simple commands of a shell text, also those within `$(…)`. Knows as much of the shell as documentation needs:
 * quotes, continued lines, `&&`, `|`, `;` and redirections. What it does not know it refuses.
 */
export function shellCommands(text: string): Words[] {
  const reader = new Reader(text)
  reader.list()
  return reader.commands
}

class Reader {
  readonly commands: string[][] = []
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** Reads commands up to the end, or to the `)` of a substitution. */
  list(nested = false): void {
    let words: string[] = []
    const end = () => {
      if (words.length > 0) this.commands.push(words)
      words = []
    }
    for (;;) {
      const next = this.#text[this.#at]
      if (next === undefined || next === ')') {
        end()
        if ((next === ')') !== nested) throw new Error(`unbalanced ) in: ${this.#text}`)
        return
      }
      if (next === '#') this.#skip(/[^\n]*/y)
      else if (next === '\\' && this.#text[this.#at + 1] === '\n') this.#at += 2
      else if (/[\n;|&]/.test(next)) {
        end()
        this.#at += 1
      } else if (/\s/.test(next)) this.#at += 1
      else if (next === '>' || next === '<') {
        if (this.#skip(/>>?|<(?!<)/y) === 0)
          throw new Error(`a redirection of another kind in: ${this.#text}`)
        this.#skip(/[ \t]*/y)
        this.#word()
      } else words.push(this.#word())
    }
  }

  #word(): string {
    let word = ''
    for (;;) {
      const next = this.#text[this.#at]
      if (next === undefined || /[\s;|&<>)]/.test(next)) return word
      if (next === "'") {
        const end = this.#text.indexOf("'", this.#at + 1)
        if (end === -1) throw new Error(`a quote is open in: ${this.#text}`)
        word += this.#text.slice(this.#at + 1, end)
        this.#at = end + 1
      } else if (next === '"') word += this.#quoted()
      else word += this.#plain()
    }
  }

  #quoted(): string {
    let word = ''
    this.#at += 1
    while (this.#text[this.#at] !== '"') {
      if (this.#text[this.#at] === undefined) throw new Error(`a quote is open in: ${this.#text}`)
      word += this.#plain()
    }
    this.#at += 1
    return word
  }

  /** One character, or what it introduces. */
  #plain(): string {
    const start = this.#at
    if (this.#text[start] === '`') throw new Error(`a substitution in backquotes in: ${this.#text}`)
    if (this.#text.startsWith('$(', start)) {
      this.#at += 2
      this.list(true)
    } else if (this.#text[start] === '\\') this.#at += 1
    this.#at += 1
    return this.#text.slice(start, this.#at)
  }

  #skip(pattern: RegExp): number {
    pattern.lastIndex = this.#at
    const length = pattern.exec(this.#text)?.[0].length ?? 0
    this.#at += length
    return length
  }
}
