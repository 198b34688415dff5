/** `JSON.rawJSON` and the source of a value are in V8 since Node 21. */
interface ExactJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown
  rawJSON?(text: string): unknown
}

const { rawJSON, parse } = JSON as ExactJson

/**
 * A number that JavaScript may print in another way: over 15 digits, an exponent, a zero at the end of a fraction, six zeros at its
 * start, -0. Texts may hold such a thing too, which costs time and no more.
 */
const DOUBTFUL =
  /(?<=^|[[:,\s])(?:-?(?:[\d.]{16}|\d+\.\d*0(?!\d)|\d[\d.]*[eE]|0\.0{6})[\d.eE+-]*|-0(?![\d.]))/g

/**
 * Reads JSON so that JSON.stringify() prints each of its numbers as it was, where Node can (from 22 on): `1.0`, and integers that no
 * number of JavaScript holds. Such a number is an object, which only JSON.stringify() understands. Of keys that are there twice, the last is kept.
 * @throws SyntaxError
 */
export function parseExactly(text: string): unknown {
  if (rawJSON === undefined || !hasInexact(text)) return JSON.parse(text)
  try {
    return parse(text, (_key, value, { source }) =>
      typeof value === 'number' && source !== undefined && source !== String(value) ? rawJSON(source) : value,
    )
  } catch (error) {
    // A reviver is called recursively, so it reaches less deep than JSON.parse() alone.
    if (error instanceof RangeError) return JSON.parse(text)
    throw error
  }
}

// Handlers of JavaScript answer with long fractions that it prints as they are; a reviver takes ten times as long.
function hasInexact(text: string): boolean {
  for (const [number] of text.matchAll(DOUBTFUL)) if (String(Number(number)) !== number) return true
  return false
}
