import { createHash } from 'node:crypto'
import type { LifecycleRule } from '@aws-sdk/client-s3'
import { abortError, throwIfAborted } from '../core/base/errors.js'
import { checkOptions } from '../core/base/options.js'
import type { AbortOptions } from '../core/contracts/transport.js'
import { reasonOf, storeFailure } from '../core/payload/store-failure.js'
import { DEFAULT_PREFIX, type S3Options, type S3StoreOptions, s3StoreChecks } from './s3-options.js'
import { loadS3 } from './s3-target.js'

/** The rule that {@link s3LifecycleRule} makes, in the words of S3's API. */
export interface S3LifecycleRule {
  readonly ID: string
  readonly Status: 'Enabled'
  readonly Filter: { readonly Prefix: string }
  readonly Expiration: { readonly Days: number }
  readonly NoncurrentVersionExpiration: { readonly NoncurrentDays: number }
  readonly AbortIncompleteMultipartUpload: { readonly DaysAfterInitiation: number }
}

/**
 * The lifecycle rule for what crashes leave behind: everything under the prefix goes after one day, the least that S3
 * knows, older versions too.
 * @param options those of `s3()`, as they are
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
 * Adds {@link s3LifecycleRule} to the bucket and keeps its other rules; does nothing where it is already. Needs
 * `s3:GetLifecycleConfiguration` and `s3:PutLifecycleConfiguration`. S3 replaces all rules at once, so do not run it while
 * something else changes them.
 * @param options those of `s3()`, as they are
 * @returns whether the bucket had to be changed
 * @throws TetherError `STORE_FAILED`, `INVALID_OPTION`, `MISSING_DEPENDENCY`, `ABORTED`
 */
export async function installS3LifecycleRule(
  options: S3Options,
  { signal }: AbortOptions = {},
): Promise<boolean> {
  const rule = s3LifecycleRule(options)
  throwIfAborted(signal)
  const { sdk, client } = await loadS3(options)
  const abort = signal === undefined ? {} : { abortSignal: signal }
  const Bucket = options.bucket
  try {
    const ask = new sdk.GetBucketLifecycleConfigurationCommand({ Bucket })
    const current = await client.send(ask, abort).catch((error: unknown) => {
      if (nameOf(error) === 'NoSuchLifecycleConfiguration') return undefined
      throw error
    })
    const rules = current?.Rules ?? []
    if (rules.some((one) => isSame(one, rule))) return false
    const kept = rules.filter(({ ID }) => ID !== rule.ID)
    const sizes = current?.TransitionDefaultMinimumObjectSize
    const change = new sdk.PutBucketLifecycleConfigurationCommand({
      Bucket,
      LifecycleConfiguration: { Rules: [...kept, rule] },
      ...(sizes !== undefined && { TransitionDefaultMinimumObjectSize: sizes }),
    })
    change.middlewareStack.add(withMd5, { step: 'build', priority: 'low', name: 'withMd5' })
    await client.send(change, abort)
    return true
  } catch (cause) {
    if (signal?.aborted) throw abortError(signal)
    throw lifecycleFailure(cause)
  } finally {
    client.destroy()
  }
}

// S3 demands a checksum here; its newer kinds are unknown to other servers, and MD5 to none.
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

function lifecycleFailure(cause: unknown) {
  const status = (cause as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode
  if (status === undefined) {
    const detail = cause instanceof Error ? cause.message : String(cause)
    return storeFailure('lifecycle', 'unreachable', { detail, cause })
  }
  const answer = { status, code: nameOf(cause) }
  return storeFailure('lifecycle', reasonOf(answer), { answer, cause })
}

function nameOf(error: unknown): string | undefined {
  return error instanceof Error ? error.name : undefined
}
