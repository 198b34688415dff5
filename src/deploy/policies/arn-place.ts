import { checkRegion, partitionOf } from '../../aws/endpoints.js'
import { matching } from '../../core/base/option-checks.js'
import { type Checks, invalidOption } from '../../core/base/options.js'

/** Where a policy holds. */
export interface ArnPlace {
  /** Such as `eu-west-1`. @default any */
  readonly region?: string | undefined
  /** Twelve digits. @default any, which the identity's own account narrows down */
  readonly accountId?: string | undefined
  /** Such as `aws-cn`. @default the region's, `aws` without a region */
  readonly partition?: string | undefined
}

/** A check for each of {@link ArnPlace}: all go into an ARN, in which `*`, `?`, `$` and `:` would mean something. */
export const placeChecks: Checks<ArnPlace> = {
  region: checkRegion,
  accountId: matching(/^\d{12}$/, 'an account number of twelve digits'),
  partition: matching(/^aws(-[a-z]+)*$/, 'a partition such as aws or aws-cn'),
}

/**
 * `arn:<partition>:<service>:<region>:<account>:`, with `*` for what is not given.
 * @throws TetherError `INVALID_OPTION` for a partition that the region is not in
 */
export function arnPrefix(service: string, place: ArnPlace): string {
  return `arn:${checkedPartition(place)}:${service}:${place.region ?? '*'}:${place.accountId ?? '*'}:`
}

function checkedPartition({ region = '', partition }: ArnPlace): string {
  const known = partitionOf(region)
  // 'aws' is also that of regions that nobody has heard of yet.
  if (partition !== undefined && partition !== known && known !== 'aws') {
    throw invalidOption('partition', `is ${partition}, but the region ${region} lies in ${known}`)
  }
  return partition ?? known
}
