import type { Detail } from '../api/contract.js'

/** Linux limits an argument to 128 KiB. */
const MAX_ARGUMENT_BYTES = 100_000
// Characters that control a terminal, or reorder or hide text. JSON may spell any character as an escape.
const UNSAFE = /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g

/**
 * Returns a command for a POSIX shell that sends the same event to the function. A large event is read from the file
 * that `Download event` saves.
 */
export function invokeCommand({ head, context, event }: Pick<Detail, 'head' | 'context' | 'event'>): string {
  const { functionName } = context as { readonly functionName?: string }
  const name = quoted(functionName ?? head.functionId)
  const json = (JSON.stringify(event) ?? 'null').replace(UNSAFE, escaped)
  const isLarge = new TextEncoder().encode(json).length > MAX_ARGUMENT_BYTES
  const payload = isLarge ? `fileb://event-${head.id}.json` : quoted(json)
  return `aws lambda invoke --function-name ${name} --cli-binary-format raw-in-base64-out --payload ${payload} /dev/stdout`
}

function quoted(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
