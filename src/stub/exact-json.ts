/** `JSON.rawJSON` and the source of a value are in V8 since Node 21. */
interface ExactJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown
  rawJSON?(text: string): unknown
}

const { rawJSON, parse } = JSON as ExactJson

/** A number that JavaScript may print in another way: over 15 digits, an exponent, a zero at the end of a fraction, -0. */
const INEXACT = /(?:^|[[:,\s])-?(?:[\d.]{16}|\d+\.\d*0(?!\d)|\d[\d.]*[eE])|-0(?![\d.])/

/**
 * Reads JSON so that JSON.stringify() prints each of its numbers as it was, where Node can (from 22 on): `1.0`, and integers that no
 * number of JavaScript holds. Such a number is an object, which only JSON.stringify() understands. Of keys that are there twice, the last is kept.
 * @throws SyntaxError
 */
export function parseExactly(text: string): unknown {
  if (rawJSON === undefined || !INEXACT.test(text)) return JSON.parse(text)
  return parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && source !== String(value) ? rawJSON(source) : value,
  )
}
