import type { LambdaError } from '../core/base/errors.js'

/** Lines of a stack, one cause below the other, without the message that heads them. */
export function stackLines({ trace, cause }: Pick<LambdaError, 'trace' | 'cause'>): string[] {
  const lines = trace.flatMap((line) => line.split('\n'))
  const first = lines.findIndex((line) => /^\s+at /.test(line))
  // Other languages have their frames in other forms: all of it.
  const frames = first === -1 ? lines : lines.slice(first)
  const own = frames
    .map((line) => line.trimEnd())
    .filter((line) => line !== '' && !/\(?node:internal\//.test(line))
  if (cause === undefined) return own
  return [...own, `caused by ${cause.errorType}: ${cause.errorMessage}`, ...stackLines(cause)]
}
