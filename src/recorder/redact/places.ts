import { fieldPointer } from '../../diff/pointers.js'

/** Tracks the current place in a record, and lists the redacted places. */
export class Places {
  /** JSON pointers. */
  readonly noted: string[] = []
  readonly #path: (string | number)[] = []

  /** Moves to a value of the record. */
  begin(path: readonly (string | number)[]): void {
    this.#path.length = 0
    this.#path.push(...path)
  }

  enter(part: string | number): void {
    this.#path.push(part)
  }

  leave(): void {
    this.#path.pop()
  }

  /** The current field or index. */
  get here(): string | number | undefined {
    return this.#path.at(-1)
  }

  /** Adds the current place to the list. */
  note(): void {
    const pointer = this.#path.reduce<string>((path, part) => fieldPointer(path, String(part)), '')
    if (this.noted.at(-1) !== pointer) this.noted.push(pointer)
  }
}
