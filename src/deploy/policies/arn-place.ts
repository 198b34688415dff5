import { checkRegion, partitionOf } from '../../aws/endpoints.js'
import { matching } from '../../core/base/option-checks.js'
import { type Checks, invalidOption } from '../../core/base/options.js'

/** The scope of a policy. */
export interface ArnPlace {
  /** Such as `eu-west-1`. @default any */
  readonly region?: string | undefined
  /** Twelve digits. @default any; the identity's own account is the limit */
  readonly accountId?: string | undefined
  /** Such as `aws-cn`. @default the region's partition, `aws` without a region */
  readonly partition?: string | undefined
}

/** A check for each of {@link ArnPlace}. All values go into an ARN, where `*`, `?`, `$` and `:` have a meaning. */
export const placeChecks: Checks<ArnPlace> = {
  region: checkRegion,
  accountId: matching(/^\d{12}$/, 'an account number of twelve digits'),
  partition: matching(/^aws(-[a-z]+)*$/, 'a partition such as aws or aws-cn'),
}

/**
 * Returns `arn:<partition>:<service>:<region>:<account>:`, with `*` for missing parts.
 * @throws TetherError `INVALID_OPTION` for a partition that does not contain the region
 */
export function arnPrefix(service: string, place: ArnPlace): string {
  return `arn:${checkedPartition(place)}:${service}:${place.region ?? '*'}:${place.accountId ?? '*'}:`
}

function checkedPartition({ region = '', partition }: ArnPlace): string {
  const known = partitionOf(region)
  // 'aws' also stands for unknown, new regions, so any partition is accepted for it.
  if (partition !== undefined && partition !== known && known !== 'aws') {
    throw invalidOption('partition', `is ${partition}, but the region ${region} lies in ${known}`)
  }
  return partition ?? known
}
