import { matching } from '../../core/base/option-checks.js'
import { type Checks, invalidOption } from '../../core/base/options.js'

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

/** A check for each of {@link ArnPlace}: all go into an ARN, in which `*`, `?`, `$` and `:` would mean something. */
export const placeChecks: Checks<ArnPlace> = {
  region: matching(/^[a-z]+(-[a-z]+)+-\d+$/, 'a region such as eu-west-1'),
  accountId: matching(/^\d{12}$/, 'an account number of twelve digits'),
  partition: matching(/^aws(-[a-z]+)*$/, 'a partition such as aws or aws-cn'),
}

/**
 * `arn:<partition>:<service>:<region>:<account>:`, with `*` for what is not given.
 * @throws TetherError `INVALID_OPTION` for a partition that the region is not in
 */
export function arnPrefix(service: string, place: ArnPlace): string {
  return `arn:${partitionOf(place)}:${service}:${place.region ?? '*'}:${place.accountId ?? '*'}:`
}

function partitionOf({ region, partition }: ArnPlace): string {
  const start = Object.keys(PARTITIONS).find((prefix) => region?.startsWith(prefix))
  const regions = start === undefined ? undefined : PARTITIONS[start]
  if (partition !== undefined && regions !== undefined && partition !== regions) {
    throw invalidOption('partition', `is ${partition}, but the region ${region} lies in ${regions}`)
  }
  return partition ?? regions ?? 'aws'
}
