import { TetherError } from '../core/errors.js'

/** Checks an option that has few values. @throws TetherError `INVALID_OPTION` */
export function checkChoice(name: string, value: unknown, choices: readonly string[]): void {
  if (choices.includes(value as string)) return
  throw new TetherError(
    'INVALID_OPTION',
    `'${name}' must be one of ${choices.join(', ')}, not ${String(value)}.`,
  )
}
