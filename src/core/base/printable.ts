const MAX_CHARACTERS = 1_000

// \p{Cf} reorders text or hides it. The two joiners do neither, and emoji and several scripts need them.
const UNSAFE = /(?!\t)\p{Cc}|(?![\u200c\u200d])\p{Cf}|[\p{Cs}\p{Zl}\p{Zp}]/gu

// Most texts are plain, and this test takes a sixth of the time. Frames from unauthenticated senders produce messages
// too.
const PLAIN = /^[\t\x20-\x7e]*$/

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r' }

/**
 * Turns a text from outside into one line that is safe to print: a terminal interprets none of it. Control characters
 * (including line breaks and ANSI sequences), characters that reorder or hide text, and halves of surrogate pairs
 * become visible escapes such as `\x1b` and `\u202e`; tabs stay.
 * @param value a value that is not a text is converted as by `String()`
 * @param maxCharacters longer text is cut and ends in `…`. @default 1,000
 */
export function printable(value: unknown, maxCharacters = MAX_CHARACTERS): string {
  const text = asText(value)
  const cut = text.length > maxCharacters ? `${text.slice(0, maxCharacters)}…` : text
  return PLAIN.test(cut) ? cut : cut.replace(UNSAFE, escaped)
}

/** Like {@link printable}, but of any length and with line breaks kept: for our own texts that quote foreign ones. */
export function printableLines(text: string): string {
  if (PLAIN.test(text)) return text
  return text.replace(UNSAFE, (character) => (character === '\n' ? character : escaped(character)))
}

/** Like String(), which itself throws for an object without a prototype and for deeply nested lists. */
export function asText(value: unknown): string {
  try {
    return String(value)
  } catch {
    return Object.prototype.toString.call(value)
  }
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0
  const hex = code.toString(16)
  if (code > 0xffff) return `\\u{${hex}}`
  return NAMED[character] ?? (code > 0xff ? `\\u${hex.padStart(4, '0')}` : `\\x${hex.padStart(2, '0')}`)
}
