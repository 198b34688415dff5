import { type Clock, systemClock } from '../../core/base/clock.js'
import { checkClock, checkPort, checkText } from '../../core/base/option-checks.js'
import { type Checks, checkOptions } from '../../core/base/options.js'
import type { LimitChanges } from '../limits.js'
import { checkIdentities } from '../option-checks.js'
import { type IotLimits, iotLimits } from './limits.js'
import { compilePolicy, type PolicyCheck, type PolicyDocument } from './policy-check.js'

/** AWS credentials that the broker accepts, with their permissions. */
export interface LocalIdentity {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /**
   * If set, the client must send it as `X-Amz-Security-Token`, appended to the URL after signing, as AWS IoT requires.
   */
  readonly sessionToken?: string | undefined
  /** Allows only the actions in this policy. @default everything is allowed */
  readonly policy?: PolicyDocument | undefined
}

/** Options of {@link createLocalBroker}. */
export interface LocalBrokerOptions {
  /** The address to listen on. @default '127.0.0.1' */
  readonly host?: string | undefined
  /** The port for MQTT over WebSocket; 0 takes a free one. @default 0 */
  readonly port?: number | undefined
  /** The port for MQTT over TCP; 0 takes a free one. @default 0 */
  readonly tcpPort?: number | undefined
  /** The region in signature scopes and policy resources. @default 'us-east-1' */
  readonly region?: string | undefined
  /** The account in policy resources. @default '123456789012' */
  readonly accountId?: string | undefined
  /** Credentials that may connect over WebSocket with a SigV4 URL. @default any client, without a signature check */
  readonly identities?: readonly LocalIdentity[] | undefined
  /** Limits that replace AWS's. @default AWS IoT Core's own */
  readonly limits?: LimitChanges<IotLimits> | undefined
  /** @default the machine's clock */
  readonly clock?: Clock | undefined
}

/** An identity with its policy compiled, so that an invalid policy fails at construction. */
export type CheckedIdentity = Omit<LocalIdentity, 'policy'> & { readonly check?: PolicyCheck }

/** The checked and completed options. */
export interface BrokerSettings {
  readonly host: string
  readonly port: number
  readonly tcpPort: number
  readonly region: string
  readonly limits: IotLimits
  readonly clock: Clock
  readonly identities: readonly CheckedIdentity[] | undefined
}

/** A check for each option that a local cloud passes to its broker. */
export const ownBrokerChecks: Checks<Omit<LocalBrokerOptions, 'host' | 'region' | 'accountId' | 'clock'>> = {
  port: checkPort,
  tcpPort: checkPort,
  identities: checkIdentities,
  limits: (_name, value) => iotLimits(value as LimitChanges<IotLimits>),
}

/**
 * Checks the options and fills in the defaults.
 * @throws TetherError `INVALID_OPTION` by name
 */
export function brokerSettings(options: LocalBrokerOptions): BrokerSettings {
  const {
    host = '127.0.0.1',
    port = 0,
    tcpPort = 0,
    region = 'us-east-1',
    accountId = '123456789012',
    identities,
    limits,
    clock = systemClock,
  } = checkOptions('createLocalBroker', options, {
    host: checkText,
    region: checkText,
    accountId: checkText,
    ...ownBrokerChecks,
    clock: checkClock,
  })
  return {
    host,
    port,
    tcpPort,
    region,
    limits: iotLimits(limits),
    clock,
    identities: identities?.map(({ policy, ...identity }) =>
      policy ? { ...identity, check: compilePolicy(policy, region, accountId) } : identity,
    ),
  }
}
