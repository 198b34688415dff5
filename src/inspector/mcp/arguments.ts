import { HttpProblem } from '../server/http-problem.js'

/** A tool's arguments. Its JSON Schema has checked their types. */
export type Arguments = Readonly<Record<string, unknown>>

export function textArgument(args: Arguments, name: string): string | undefined {
  const value = args[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

export function numberArgument(args: Arguments, name: string, fallback: number, max: number): number {
  const value = args[name]
  return typeof value === 'number' && value > 0 ? Math.min(value, max) : fallback
}

/** @throws HttpProblem if it is missing */
export function requiredText(args: Arguments, name: string): string {
  const value = textArgument(args, name)
  if (value === undefined) throw new HttpProblem('BAD_REQUEST', `'${name}' is missing.`)
  return value
}
