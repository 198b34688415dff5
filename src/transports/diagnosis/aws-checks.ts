import { type CallerIdentity, callerIdentity } from '../../aws/caller-identity.js'
import type { SdkCredentials } from '../../aws/credentials.js'
import { SigningClock } from '../../aws/signing-clock.js'
import { onAbort } from '../../core/base/abort.js'
import type { Clock } from '../../core/base/clock.js'
import { printable } from '../../core/base/printable.js'
import type { DiagnosisOptions, Finding, TransportCheck } from '../../core/contracts/diagnosis.js'
import type { AgentOptions } from '../../network/agent-option.js'

/** The parts that an AWS transport resolves at each connect. */
export interface AwsFacts extends AgentOptions {
  credentials(): Promise<SdkCredentials>
  region(): Promise<string>
  readonly clock: Clock
  /** PEM certificates to trust in place of the system's. */
  readonly ca?: string | undefined
  /** Which of them the options set. */
  readonly given: { readonly credentials: boolean; readonly region: boolean }
  /** The scheme of the broker's URL: AWS has TLS only, so with `ws:` the credentials are for another server. */
  readonly protocol: string
}

const MINUTE_MS = 60_000
const IDENTITY_TIMEOUT_MS = 5_000

/** Checks the credentials (owner and expiry) and the region. */
export function awsFactChecks(facts: AwsFacts, options: DiagnosisOptions = {}): TransportCheck[] {
  const { credentials, region, clock, given } = facts
  return [
    {
      id: 'credentials',
      run: async (signal) => {
        const read = await credentials()
        const finding = credentialsFinding(read, clock.now(), given.credentials)
        return finding.outcome === 'ok'
          ? withOwner(finding, await ownerOf(read, facts, options, signal))
          : finding
      },
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

/** The owner of the credentials, or why it is unknown. */
type Owner = CallerIdentity | { readonly unknown: string }

async function ownerOf(
  credentials: SdkCredentials,
  { region, clock, agent, ca, protocol }: AwsFacts,
  { identityEndpoint: endpoint, identityTimeoutMs = IDENTITY_TIMEOUT_MS }: DiagnosisOptions,
  signal: AbortSignal,
): Promise<Owner> {
  // Credentials for another server are not sent to AWS.
  if (endpoint === undefined && protocol === 'ws:')
    return { unknown: "the endpoint is not AWS's, so STS was not asked" }
  const limit = new AbortController()
  const unlisten = onAbort(signal, () => limit.abort())
  const late = new Error(`no answer within ${identityTimeoutMs.toLocaleString('en-US')} ms`)
  const cancel = clock.schedule(identityTimeoutMs, () => limit.abort(late))
  try {
    return await callerIdentity({
      region: await region(),
      credentials,
      clock: new SigningClock(clock),
      endpoint,
      agent,
      ca,
      signal: limit.signal,
    })
  } catch (error) {
    const { message, code } = (limit.signal.aborted ? late : error) as NodeJS.ErrnoException
    return { unknown: `STS could not be asked: ${printable(message || code)}` }
  } finally {
    cancel()
    unlisten()
  }
}

// Other refusals say nothing about the credentials: a VPC endpoint's policy may forbid the call, or the region may be
// disabled.
const REFUSALS: Readonly<Record<string, string>> = {
  ExpiredToken: 'Log in again.',
  InvalidClientTokenId: 'Log in again: AWS does not know this key, or its session token is wrong.',
  SignatureDoesNotMatch: 'Check the secret access key: it is not this key’s.',
}

function withOwner(finding: Finding, owner: Owner): Finding {
  const { seen, details } = finding
  if ('arn' in owner) {
    const { arn, account } = owner
    return {
      ...finding,
      seen: `${printable(arn)}, account ${printable(account)}: ${seen}`,
      details: { ...details, arn, account },
    }
  }
  if ('unknown' in owner)
    return { ...finding, seen: `${seen} Whose they are is not known: ${owner.unknown}.` }
  const { awsError, message } = owner
  const refusal = `${printable(awsError)}: ${printable(message)}`
  const advice = REFUSALS[awsError]
  if (advice === undefined)
    return { ...finding, seen: `${seen} Whose they are is not known: STS answered ${refusal}` }
  return {
    outcome: 'failed',
    seen: `${seen} STS refused them: ${refusal}`,
    advice,
    details: { ...details, awsError },
  }
}

function credentialsFinding(credentials: SdkCredentials, now: number, given: boolean): Finding {
  const { accessKeyId, sessionToken, expiration } = credentials
  const kind = sessionToken === undefined ? 'a long-term key' : 'of a session'
  const source = given ? 'the option' : 'the AWS SDK'
  // Enough of the key id to tell profiles apart.
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
