/** V8 has `JSON.rawJSON` and the reviver's `source` since Node 21. */
interface ExactJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown
  rawJSON?(text: string): unknown
}

const { rawJSON, parse } = JSON as ExactJson

/**
 * A number that JavaScript may print differently: over 15 digits, an exponent, a trailing zero in a fraction, six zeros
 * after the decimal point, -0. It may also match inside a string, which only costs time.
 */
const DOUBTFUL =
  /(?<=^|[[:,\s])(?:-?(?:[\d.]{16}|\d+\.\d*0(?!\d)|\d[\d.]*[eE]|0\.0{6})[\d.eE+-]*|-0(?![\d.]))/g

/**
 * Parses JSON so that JSON.stringify() reproduces each number as written, where Node supports it (from 22 on): `1.0`,
 * and integers beyond JavaScript's precision. Such a number becomes an object that only JSON.stringify() understands.
 * Of duplicate keys, the last is kept.
 * @throws SyntaxError
 */
export function parseExactly(text: string): unknown {
  if (rawJSON === undefined || !hasInexact(text)) return JSON.parse(text)
  try {
    return parse(text, (_key, value, { source }) =>
      typeof value === 'number' && source !== undefined && source !== String(value) ? rawJSON(source) : value,
    )
  } catch (error) {
    // A reviver recurses, so it supports less nesting than JSON.parse() alone.
    if (error instanceof RangeError) return JSON.parse(text)
    throw error
  }
}

// JavaScript handlers answer with long fractions that it prints unchanged; a reviver takes ten times as long.
function hasInexact(text: string): boolean {
  for (const [number] of text.matchAll(DOUBTFUL)) if (String(Number(number)) !== number) return true
  return false
}
