import type { SdkCredentials } from '../../aws/credentials.js'
import type { Clock } from '../../core/base/clock.js'
import { printable } from '../../core/base/printable.js'
import type { Finding, TransportCheck } from '../../core/contracts/diagnosis.js'

/** What a transport of AWS's finds at each connect, part by part. */
export interface AwsFacts {
  credentials(): Promise<SdkCredentials>
  region(): Promise<string>
  readonly clock: Clock
  /** Who says which of them, where the options do. */
  readonly given: { readonly credentials: boolean; readonly region: boolean }
}

const MINUTE_MS = 60_000

/** Whose credentials sign, until when, and for which region. */
export function awsFactChecks({ credentials, region, clock, given }: AwsFacts): TransportCheck[] {
  return [
    {
      id: 'credentials',
      run: async () => credentialsFinding(await credentials(), clock.now(), given.credentials),
    },
    {
      id: 'region',
      run: async () => ({
        outcome: 'ok',
        seen: `${await region()}, ${given.region ? 'by the options' : 'by the environment or the profile'}.`,
      }),
    },
  ]
}

function credentialsFinding(credentials: SdkCredentials, now: number, given: boolean): Finding {
  const { accessKeyId, sessionToken, expiration } = credentials
  const kind = sessionToken === undefined ? 'a long-term key' : 'of a session'
  const source = given ? 'the option' : 'the AWS SDK'
  // Enough to tell a profile's from another's.
  const whose = `${printable(accessKeyId.slice(0, 8))}…, ${kind}, from ${source}`
  if (expiration === undefined) return { outcome: 'ok', seen: `${whose}; when they end is not told.` }
  const end = expiration.getTime()
  const until = expiration.toISOString()
  const details = { expiresAt: end }
  if (end <= now) {
    const advice = 'Log in again.'
    return { outcome: 'failed', seen: `${whose}; they ended at ${until}.`, advice, details }
  }
  const minutes = Math.floor((end - now) / MINUTE_MS)
  const seen = `${whose}; they end at ${until}, in ${minutes.toLocaleString('en-US')} min.`
  return { outcome: 'ok', seen, details }
}
