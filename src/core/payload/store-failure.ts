import { defined } from '../base/defined.js'
import { TetherError } from '../base/errors.js'

/** The operations of a payload store. */
export type StoreOperation = 'put' | 'get' | 'delete' | 'presign' | 'lifecycle'

/** Why an operation failed: `details.reason` of a `STORE_FAILED`. `docs/errors.md` explains each reason. */
export type StoreFailureReason =
  | 'bucket-missing'
  | 'object-missing'
  | 'access-denied'
  | 'url-expired'
  | 'mismatch'
  | 'truncated'
  | 'unreachable'
  | 'unconfigured'
  | 'refused'

/** A refusal from a store that speaks HTTP. */
export interface StoreAnswer {
  readonly status: number
  /** For example `NoSuchKey`; undefined if the answer had none, as for a HEAD. */
  readonly code?: string | undefined
  readonly message?: string | undefined
}

const EXPLANATIONS: Readonly<Record<StoreFailureReason, string>> = {
  'bucket-missing': 'there is no such bucket. Create it, or correct `bucket` and `region`',
  'object-missing': 'there is no such object; it was deleted, or has expired',
  'access-denied':
    'access is denied, or the object is missing: without s3:ListBucket S3 does not tell. Check the credentials and their policy',
  'url-expired': 'the presigned URL or the credentials that signed it have expired',
  mismatch:
    'the request is not the one that was signed: its body has another length, or the secret key is wrong',
  truncated: 'the body ended early',
  unreachable: 'the store does not answer. Check the network, `endpoint` and `region`',
  unconfigured: 'the region, the endpoint or the credentials could not be found',
  refused: 'the store refused',
}

/** Makes the one error for every failure of a store. Its arguments must not hold a presigned URL. */
export function storeFailure(
  operation: StoreOperation,
  reason: StoreFailureReason,
  { answer, detail, cause }: { answer?: StoreAnswer; detail?: string; cause?: unknown } = {},
): TetherError {
  const said = answer && ` (${[answer.status, answer.code].filter((part) => part !== undefined).join(' ')})`
  const text = `The payload store's ${operation} failed: ${EXPLANATIONS[reason]}${said ?? ''}${detail ? `: ${detail}` : ''}.`
  const facts = answer && defined({ status: answer.status, code: answer.code })
  return new TetherError('STORE_FAILED', text, defined({ cause, details: { operation, reason, ...facts } }))
}

/** The reason for a refusal, from S3's code or message, otherwise from the status. */
export function reasonOf({ status, code, message = '' }: StoreAnswer): StoreFailureReason {
  if (code === 'NoSuchBucket') return 'bucket-missing'
  if (code === 'ExpiredToken' || /expired/i.test(message)) return 'url-expired'
  if (code === 'IncompleteBody' || code === 'RequestTimeout') return 'truncated'
  // A presigned PUT fixes its length; any other length breaks its signature.
  if (code === 'SignatureDoesNotMatch' || code === 'MissingContentLength') return 'mismatch'
  if (status === 404) return 'object-missing'
  if (status === 401 || status === 403) return 'access-denied'
  return status >= 500 || status === 429 ? 'unreachable' : 'refused'
}

/** Whether a read may have failed because the object does not exist. */
export function mayBeMissing(error: unknown): boolean {
  const reason =
    error instanceof TetherError && error.code === 'STORE_FAILED' ? error.details.reason : undefined
  return reason === 'object-missing' || reason === 'access-denied'
}
