import { type Answer, bodyOf, errorCodeOf } from './answer.js'
import type { Fixture } from './fixture.js'

/**
 * How an answer differs from a recorded one in its structure: status, error code, fields and their types. Of one from
 * AWS every field must be there and no other; an example of the documentation may show fewer.
 */
export function differences(fixture: Fixture, answer: Answer): string[] {
  const { status, error, origin, case: name } = fixture
  const found: string[] = []
  if (answer.status !== status) found.push(`the status is ${answer.status}, not ${status}`)
  const code = errorCodeOf(answer)
  if (code !== error) found.push(`the error is ${code ?? 'none'}, not ${error ?? 'none'}`)
  const body = bodyOf(answer)
  if (fixture.body !== undefined) found.push(...treeDifferences('', fixture.body, body, origin === 'aws'))
  else if (body !== undefined && origin === 'aws') found.push('it has a body')
  return found.map((one) => `${fixture.service} ${name}: ${one} (${origin}: ${fixture.source})`)
}

function treeDifferences(path: string, wanted: unknown, given: unknown, whole: boolean): string[] {
  // Null and absent are the same to every client.
  if (wanted === null && (given === null || given === undefined)) return []
  if (given === undefined || given === null) return whole || wanted !== null ? [`${path} is missing`] : []
  const [one, other] = [kindOf(wanted), kindOf(given)]
  if (one !== other) return [`${path} is ${other}, not ${one}`]
  if (Array.isArray(wanted)) {
    // One item of each stands for all.
    const [first] = wanted
    const [item] = given as readonly unknown[]
    return first === undefined || item === undefined ? [] : treeDifferences(`${path}[]`, first, item, whole)
  }
  if (typeof wanted !== 'object') return []
  const fields = given as Readonly<Record<string, unknown>>
  const unknown = Object.keys(fields).filter((name) => !Object.hasOwn(wanted as object, name))
  const more = unknown.filter((name) => whole && fields[name] !== null && fields[name] !== undefined)
  return [
    ...more.map((name) => `${path}.${name} is not there`),
    ...Object.entries(wanted as object).flatMap(([name, value]) =>
      treeDifferences(`${path}.${name}`, value, fields[name], whole),
    ),
  ]
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'a structure' : `a ${typeof value}`
}
