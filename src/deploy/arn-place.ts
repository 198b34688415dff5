import { TetherError } from '../core/errors.js'

/** Where a policy holds. */
export interface ArnPlace {
  /** Such as `eu-west-1`. @default any */
  readonly region?: string
  /** Twelve digits. @default any, which the identity's own account narrows down */
  readonly accountId?: string
  /** Such as `aws-cn`. @default the region's, `aws` without a region */
  readonly partition?: string
}

// How the regions outside the partition `aws` begin.
const PARTITIONS: Readonly<Record<string, string>> = {
  'cn-': 'aws-cn',
  'us-gov-': 'aws-us-gov',
  'us-iso-': 'aws-iso',
  'us-isob-': 'aws-iso-b',
  'eusc-': 'aws-eusc',
}

// Each goes into an ARN, in which `*`, `?`, `$` and `:` would mean something.
const PARTS = {
  region: [/^[a-z]+(-[a-z]+)+-\d+$/, 'a region such as eu-west-1'],
  accountId: [/^\d{12}$/, 'an account number of twelve digits'],
  partition: [/^aws(-[a-z]+)*$/, 'a partition such as aws or aws-cn'],
} as const

/** The options of an {@link ArnPlace}, by name. */
export const PLACE_OPTIONS: readonly string[] = Object.keys(PARTS)

/**
 * `arn:<partition>:<service>:<region>:<account>:`, with `*` for what is not given.
 * @throws TetherError `INVALID_OPTION` naming the option
 */
export function arnPrefix(service: string, place: ArnPlace): string {
  for (const [name, [pattern, description]] of Object.entries(PARTS)) {
    checkMatch(name, place[name as keyof ArnPlace], pattern, description)
  }
  return `arn:${partitionOf(place)}:${service}:${place.region ?? '*'}:${place.accountId ?? '*'}:`
}

/**
 * Checks that an option, where it is given, is a text of that pattern.
 * @param description what it must be
 * @throws TetherError `INVALID_OPTION` naming the option
 */
export function checkMatch(name: string, value: unknown, pattern: RegExp, description: string): void {
  if (value === undefined || (typeof value === 'string' && pattern.test(value))) return
  throw new TetherError('INVALID_OPTION', `'${name}' must be ${description}, not ${shown(value)}.`)
}

/** A value as messages show it. */
export function shown(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : value === null ? 'null' : typeof value
}

function partitionOf({ region, partition }: ArnPlace): string {
  const start = Object.keys(PARTITIONS).find((prefix) => region?.startsWith(prefix))
  const regions = start === undefined ? undefined : PARTITIONS[start]
  if (partition !== undefined && regions !== undefined && partition !== regions) {
    throw new TetherError(
      'INVALID_OPTION',
      `'partition' is ${partition}, but the region ${region} lies in ${regions}.`,
    )
  }
  return partition ?? regions ?? 'aws'
}
