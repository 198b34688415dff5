import { fieldPointer } from '../../diff/pointers.js'

/** Where in a record a redaction is, and where it has redacted something. */
export class Places {
  /** JSON pointers. */
  readonly noted: string[] = []
  readonly #path: (string | number)[] = []

  /** Goes to a value of the record. */
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

  /** The field or index that it is in. */
  get here(): string | number | undefined {
    return this.#path.at(-1)
  }

  /** Something here was redacted. */
  note(): void {
    const pointer = this.#path.reduce<string>((path, part) => fieldPointer(path, String(part)), '')
    if (this.noted.at(-1) !== pointer) this.noted.push(pointer)
  }
}
