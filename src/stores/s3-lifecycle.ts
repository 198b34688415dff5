import { createHash } from 'node:crypto'
import type { LifecycleRule } from '@aws-sdk/client-s3'
import { defined } from '../core/base/defined.js'
import { checkOptions } from '../core/base/options.js'
import type { AbortOptions } from '../core/contracts/transport.js'
import { attemptS3, loadS3 } from './s3-client.js'
import { DEFAULT_PREFIX, type S3Options, type S3StoreOptions, s3StoreChecks } from './s3-options.js'

/** The result of {@link s3LifecycleRule}, as S3's API has it. */
export interface S3LifecycleRule {
  readonly ID: string
  readonly Status: 'Enabled'
  readonly Filter: { readonly Prefix: string }
  readonly Expiration: { readonly Days: number }
  readonly NoncurrentVersionExpiration: { readonly NoncurrentDays: number }
  readonly AbortIncompleteMultipartUpload: { readonly DaysAfterInitiation: number }
}

/**
 * Returns the lifecycle rule that cleans up after crashes: everything under the prefix expires after one day, the
 * shortest time that S3 supports. Older versions expire too.
 * @param options the options of `s3()`, unchanged
 * @throws TetherError `INVALID_OPTION`
 */
export function s3LifecycleRule(options: Pick<S3Options, 'bucket' | 'prefix'>): S3LifecycleRule {
  const { prefix = DEFAULT_PREFIX } = checkOptions<S3StoreOptions>('s3LifecycleRule', options, s3StoreChecks)
  return {
    ID: `lambda-tether ${createHash('sha256').update(prefix).digest('hex').slice(0, 16)}`,
    Status: 'Enabled',
    Filter: { Prefix: prefix },
    Expiration: { Days: 1 },
    NoncurrentVersionExpiration: { NoncurrentDays: 1 },
    AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
  }
}

/**
 * Adds {@link s3LifecycleRule} to the bucket and keeps its other rules; does nothing if the rule exists. Needs
 * `s3:GetLifecycleConfiguration` and `s3:PutLifecycleConfiguration`. S3 replaces all rules at once, so do not run it
 * while something else changes them.
 * @param options the options of `s3()`, unchanged
 * @returns whether the bucket had to be changed
 * @throws TetherError `STORE_FAILED`, `INVALID_OPTION`, `MISSING_DEPENDENCY`, `ABORTED`
 */
export async function installS3LifecycleRule(options: S3Options, abort: AbortOptions = {}): Promise<boolean> {
  const rule = s3LifecycleRule(options)
  const Bucket = options.bucket
  return attemptS3(
    () => loadS3(options),
    'lifecycle',
    abort,
    async ({ sdk, client }, http) => {
      try {
        const ask = new sdk.GetBucketLifecycleConfigurationCommand({ Bucket })
        const current = await client.send(ask, http).catch((error: unknown) => {
          if (error instanceof Error && error.name === 'NoSuchLifecycleConfiguration') return undefined
          throw error
        })
        const rules = current?.Rules ?? []
        if (rules.some((one) => isSame(one, rule))) return false
        const kept = rules.filter(({ ID }) => ID !== rule.ID)
        const change = new sdk.PutBucketLifecycleConfigurationCommand({
          Bucket,
          LifecycleConfiguration: { Rules: [...kept, rule] },
          ...defined({ TransitionDefaultMinimumObjectSize: current?.TransitionDefaultMinimumObjectSize }),
        })
        change.middlewareStack.add(withMd5, { step: 'build', priority: 'low', name: 'withMd5' })
        await client.send(change, http)
        return true
      } finally {
        client.destroy()
      }
    },
  )
}

// S3 requires a checksum here. Other servers do not know its newer kinds, but all know MD5.
const withMd5 =
  <Arguments extends { request?: unknown }, Result>(next: (args: Arguments) => Promise<Result>) =>
  (args: Arguments): Promise<Result> => {
    const { headers, body } = args.request as { headers: Record<string, string>; body: string | Uint8Array }
    for (const name of Object.keys(headers)) {
      if (/^x-amz-(sdk-)?checksum-/i.test(name)) delete headers[name]
    }
    headers['content-md5'] = createHash('md5').update(body).digest('base64')
    return next(args)
  }

function isSame(rule: LifecycleRule, wanted: S3LifecycleRule): boolean {
  return (
    rule.ID === wanted.ID &&
    rule.Status === wanted.Status &&
    rule.Filter?.Prefix === wanted.Filter.Prefix &&
    rule.Expiration?.Days === wanted.Expiration.Days
  )
}
