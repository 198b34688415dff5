import { defined } from '../core/base/defined.js'
import { TetherError } from '../core/base/errors.js'
import { checkSecret } from '../core/base/option-checks.js'
import { type Check, fields, mustBe, required } from '../core/base/options.js'

/** The key pair to sign requests with, or to check signatures against. */
export interface SigningIdentity {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

/** Credentials as the AWS SDKs, the AWS CLI and AWS's services give them. */
export interface AwsCredentials extends SigningIdentity {
  /**
   * Time of expiry. A connection that ends with the credentials is replaced before. A `Date`, an ISO 8601 text with its
   * time zone, or milliseconds or seconds since 1970.
   */
  readonly expiration?: Date | string | number | undefined
}

/** Credentials, or a function that returns them. */
export type CredentialsOption = AwsCredentials | (() => AwsCredentials | Promise<AwsCredentials>)

/** Credentials after {@link readCredentials}, as the AWS SDK takes them. */
export interface SdkCredentials extends SigningIdentity {
  readonly sessionToken?: string
  readonly expiration?: Date
}

/** Checks the option `credentials`. */
export const checkCredentialsOption: Check = (name, value) =>
  typeof value === 'function' || readCredentials(name, value)

/**
 * Checks credentials and reads their `expiration`.
 * @param name the option's name, for messages
 * @throws TetherError `INVALID_OPTION` naming the field
 */
export function readCredentials(name: string, given: unknown): SdkCredentials {
  fields('AWS credentials', {
    accessKeyId: required(checkSecret),
    secretAccessKey: required(checkSecret),
    sessionToken: checkSecret,
  })(name, given)
  const { expiration, ...rest } = given as AwsCredentials
  const identity = defined(rest)
  if (expiration === undefined) return identity
  return { ...identity, expiration: readExpiration(`${name}.expiration`, expiration) }
}

/**
 * Returns the credentials of an option. Calls the function, if the option is one.
 * @throws TetherError `INVALID_OPTION` naming the field, `UNREACHABLE` when the caller's function fails
 */
export async function askCredentials(option: CredentialsOption): Promise<SdkCredentials> {
  if (typeof option !== 'function') return readCredentials('credentials', option)
  let given: AwsCredentials
  try {
    given = await option()
  } catch (cause) {
    if (cause instanceof TetherError) throw cause
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new TetherError('UNREACHABLE', `'credentials' failed: ${message}`, { cause })
  }
  return readCredentials('credentials', given)
}

/**
 * Returns the credentials of the function's own role, which Lambda puts into the environment.
 * @throws TetherError `INVALID_OPTION` naming the variable
 */
export function roleCredentials(
  env: Readonly<Record<string, string | undefined>> = process.env,
): SdkCredentials {
  const read = (name: string): string => {
    mustBe('set, as Lambda does', !!env[name], name, env[name])
    return env[name]!
  }
  const sessionToken = env.AWS_SESSION_TOKEN
  return {
    accessKeyId: read('AWS_ACCESS_KEY_ID'),
    secretAccessKey: read('AWS_SECRET_ACCESS_KEY'),
    ...(sessionToken && { sessionToken }),
  }
}

const ISO_TIME = /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:?\d\d)$/
// As milliseconds, this is a time in 1973; as seconds, in 5138.
const LEAST_MS = 1e11

function readExpiration(name: string, value: unknown): Date {
  const ms =
    typeof value === 'string'
      ? ISO_TIME.test(value) && Date.parse(value)
      : typeof value === 'number'
        ? value * (value < LEAST_MS ? 1000 : 1)
        : // No `instanceof`: it fails for a Date of another realm.
          (value as Partial<Date> | null)?.getTime?.()
  const words = 'a Date, an ISO 8601 text with its time zone, or milliseconds since 1970'
  mustBe(words, Number.isFinite(ms), name, value)
  return new Date(ms as number)
}
