import { printable } from '../core/base/printable.js'
import type { Invocation } from '../core/session/invocation.js'
import { type Paint, painter, type Style } from './colors.js'

/** Longer lines are cut. */
const MAX_CHARACTERS = 16_384

/** Writes lines in columns: the function or the session, the request if there is one, the text. */
export class Lines {
  readonly #write: (line: string) => void
  readonly #paint: Paint
  readonly #link: ((invocation: Invocation) => string) | undefined
  /** The length of the longest name so far. */
  #width = 0

  constructor(write: (line: string) => void, colors: boolean, link?: (invocation: Invocation) => string) {
    this.#link = link
    this.#write = write
    this.#paint = painter(colors)
  }

  invocation(invocation: Invocation, style: Style, text: string, below?: readonly string[]): void {
    const { functionId, context } = invocation
    const link = this.#link?.(invocation)
    const linked = link === undefined ? '' : `  ${this.#paint('faint', printable(link))}`
    const start = `${this.#name(functionId)} ${this.#request(context.awsRequestId)}  `
    this.#print(start, style, text, below, linked)
  }

  /** Prints a line of local code's output. */
  log(functionId: string, requestId: string, text: string): void {
    this.#write(`${this.#name(functionId)} ${this.#request(requestId)}  | ${safe(text)}`)
  }

  function(functionId: string, style: Style, text: string, below?: readonly string[]): void {
    this.#print(`${this.#name(functionId)} `, style, text, below)
  }

  session(style: Style, text: string, below?: readonly string[]): void {
    this.#print(`${this.#paint('faint', 'session'.padEnd(this.#width))} `, style, text, below)
  }

  /** @param below lines of a stack, printed below the text */
  #print(start: string, style: Style, text: string, below: readonly string[] = [], end = ''): void {
    const [first = '', ...more] = text.split('\n')
    this.#write(start + this.#paint(style, safe(first)) + end)
    for (const line of more) this.#write(`  ${safe(line)}`)
    for (const line of below) this.#write(this.#paint('faint', `  ${safe(line)}`))
  }

  #name(functionId: string): string {
    const name = printable(functionId)
    this.#width = Math.max(this.#width, name.length)
    return this.#paint('name', name.padEnd(this.#width))
  }

  #request(requestId: string): string {
    return this.#paint('faint', printable(requestId))
  }
}

function safe(text: string): string {
  return printable(text, MAX_CHARACTERS)
}
