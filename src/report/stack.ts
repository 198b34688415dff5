import type { LambdaError } from '../core/base/errors.js'

/** Returns the lines of a stack and of its causes, without the message at its head. */
export function stackLines({ trace, cause }: Pick<LambdaError, 'trace' | 'cause'>): string[] {
  const lines = trace.flatMap((line) => line.split('\n'))
  const first = lines.findIndex((line) => /^\s+at /.test(line))
  // Other languages write frames in other forms: keep all lines.
  const frames = first === -1 ? lines : lines.slice(first)
  const own = frames
    .map((line) => line.trimEnd())
    .filter((line) => line !== '' && !/\(?node:internal\//.test(line))
  if (cause === undefined) return own
  return [...own, `caused by ${cause.errorType}: ${cause.errorMessage}`, ...stackLines(cause)]
}
