import { endpointRegion } from '../../aws/endpoints.js'
import { TetherError } from '../../core/base/errors.js'
import { printable } from '../../core/base/printable.js'
import type { Endpoint } from '../../core/contracts/transport.js'
import type { ConnectPhase } from '../socket/connect-phase.js'
import { UpgradeRefused } from '../socket/web-socket-upgrade.js'
import { SERVICE } from './url.js'

/** Returns advice about a network failure, with a leading space. */
export type NetworkAdvice = (host: string, code: string | undefined) => string

/** A connect that failed. */
export interface FailedConnect {
  readonly url: URL
  readonly cause: unknown
  readonly self: Endpoint
  /** The phase that it reached. */
  readonly during?: ConnectPhase | undefined
  readonly advice?: NetworkAdvice | undefined
}

// With private DNS, the VPC endpoint answers for every API of the region but serves private APIs only, and a WebSocket
// API is never private.
// https://repost.aws/knowledge-center/api-gateway-vpc-connections
const PRIVATE_DNS =
  " In a VPC that has an 'execute-api' endpoint with private DNS, every WebSocket API answers so: give the API a regional custom domain name, or turn private DNS off."

/** Builds the error for an unreachable API: its host, the reason and advice. */
export function failedConnect({ url, cause, self, during, advice }: FailedConnect): TetherError {
  if (cause instanceof TetherError) return cause
  const { code, message } = (cause ?? {}) as NodeJS.ErrnoException
  const refusal = cause instanceof UpgradeRefused ? cause.details : undefined
  // With several addresses tried, Node's AggregateError has a code and no message.
  const reason = message || code || 'no reason given'
  const isOfAws = endpointRegion(url, SERVICE) !== undefined
  const ways = `${adviceFor(code, refusal?.statusCode, self, isOfAws)}${advice?.(url.hostname, code) ?? ''}`
  return new TetherError('UNREACHABLE', `API Gateway at ${url.host} cannot be reached: ${reason}.${ways}`, {
    cause,
    details: {
      ...(during !== undefined && { during }),
      ...(code !== undefined && { code }),
      ...refusal,
    },
  })
}

// When the relay refuses, API Gateway passes on its status only.
function adviceFor(
  code: string | undefined,
  statusCode: number | undefined,
  { role, app, stage }: Endpoint,
  isOfAws: boolean,
): string {
  if (code === 'ENOTFOUND') return " The endpoint's name does not resolve: is the debug stack still there?"
  if (statusCode === 400) {
    return ` The relay took no ${role} of app ${printable(app)}, stage ${printable(stage)}: check that the endpoint is that of their debug stack, and that debugStackTemplate() of this version is deployed.`
  }
  if (statusCode === 403) {
    const identity =
      'API Gateway refused the signature or the identity: check the credentials, the region, and that apiGatewayPolicy() is attached.'
    const key =
      " Or the relay refused the session's key: deploy debugStackTemplate() with it, or give the session the key that the stack has."
    return ` ${identity}${role === 'session' ? key : ''}${isOfAws ? PRIVATE_DNS : ''}`
  }
  if (statusCode === 429) return ' The account has too many connects in a second.'
  if (statusCode !== undefined && statusCode >= 500) {
    return " The API's $connect route failed: look at the log of the relay function."
  }
  return ''
}
