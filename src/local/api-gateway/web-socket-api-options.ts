import { randomBytes } from 'node:crypto'
import { type Clock, systemClock } from '../../core/base/clock.js'
import { type Complete, defined } from '../../core/base/defined.js'
import { checkClock, checkPort, checkText, matching, recordOf } from '../../core/base/option-checks.js'
import { type Check, checkOptions, required } from '../../core/base/options.js'
import type { LocalIdentity } from '../iot/broker-options.js'
import type { LimitChanges } from '../limits.js'
import { checkIdentities, checkInvoked } from '../option-checks.js'
import type { WebSocketApiEvents, WebSocketApiStats } from './events.js'
import type { WebSocketRoutes } from './integration.js'
import { type WebSocketApiLimits, webSocketApiLimits } from './limits.js'

/** Options of `webSocketApi`. */
export interface WebSocketApiOptions {
  /** The targets of routes: `$connect`, `$disconnect`, `$default`, and the values of a message's `action`. */
  readonly routes: WebSocketRoutes
  /** The API's stage, the first part of every path. @default 'live' */
  readonly stage?: string | undefined
  /** Ten letters and digits, used in the resources of policies. @default made up */
  readonly apiId?: string | undefined
  /** Credentials that may connect and post, with SigV4. @default any client, without a signature check */
  readonly identities?: readonly LocalIdentity[] | undefined
  /** Limits that replace AWS's. @default API Gateway's own */
  readonly limits?: LimitChanges<WebSocketApiLimits> | undefined
  /** @default '127.0.0.1' */
  readonly host?: string | undefined
  /** @default 0, a free one */
  readonly port?: number | undefined
  /** @default 'us-east-1' */
  readonly region?: string | undefined
  /** @default '123456789012' */
  readonly accountId?: string | undefined
  readonly clock?: Clock | undefined
}

/** The connections to break, and how. */
export interface CutOptions {
  /** The connection to break. @default all */
  readonly connectionId?: string | undefined
  /** Whether sockets stay open but carry nothing more; API Gateway does not notice. @default false */
  readonly silently?: boolean | undefined
  /** Whether to omit `$disconnect`, which AWS calls a best effort. @default false */
  readonly unreported?: boolean | undefined
}

/** A listening WebSocket API, with its management API on the same port. */
export interface WebSocketApi extends AsyncDisposable {
  readonly apiId: string
  readonly stage: string
  /** `ws://127.0.0.1:<port>/<stage>`, for clients. */
  readonly endpoint: string
  /** `http://127.0.0.1:<port>/<stage>`, for `AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI`. */
  readonly managementEndpoint: string
  /** Lists the open connections. */
  connections(): readonly OpenConnection[]
  /** Breaks connections without a close frame. */
  cut(options?: CutOptions): void
  /** Adds a listener of an event; see {@link WebSocketApiEvents}. */
  on<E extends keyof WebSocketApiEvents>(event: E, listener: WebSocketApiEvents[E]): this
  /** Adds a listener for the next event only. */
  once<E extends keyof WebSocketApiEvents>(event: E, listener: WebSocketApiEvents[E]): this
  /** Removes a listener. */
  off<E extends keyof WebSocketApiEvents>(event: E, listener: WebSocketApiEvents[E]): this
  /** Returns counts since it was made. */
  stats(): WebSocketApiStats
  /** Ends every connection, and stops invoking functions. Idempotent. */
  close(): Promise<void>
}

/** An entry of {@link WebSocketApi.connections}. */
export interface OpenConnection {
  readonly connectionId: string
  /** The query of its URL. */
  readonly query: Readonly<Record<string, string>>
  /** Unix milliseconds. */
  readonly connectedAt: number
}

/** The checked and completed options. */
export interface WebSocketApiSettings extends Complete<Omit<WebSocketApiOptions, 'identities' | 'limits'>> {
  readonly identities: readonly LocalIdentity[] | undefined
  readonly limits: WebSocketApiLimits
}

/** Checks the name of an API or of its stage. */
export const checkApiName = matching(/^[\w-]{1,128}$/, '1 to 128 letters, digits, - or _')

const checkRoute: Check = (name, value) => value === 'mock' || checkInvoked(name, value)

/** Checks the options and fills in the defaults. @throws TetherError `INVALID_OPTION` by name */
export function webSocketApiSettings(options: WebSocketApiOptions): WebSocketApiSettings {
  checkOptions('webSocketApi', options, {
    routes: required(recordOf('an object of functions by route', checkRoute)),
    stage: checkApiName,
    apiId: checkApiName,
    identities: checkIdentities,
    limits: (_name, value) => webSocketApiLimits(value as LimitChanges<WebSocketApiLimits>),
    host: checkText,
    port: checkPort,
    region: checkText,
    accountId: checkText,
    clock: checkClock,
  })
  return {
    stage: 'live',
    apiId: randomBytes(5).toString('hex'),
    host: '127.0.0.1',
    port: 0,
    region: 'us-east-1',
    accountId: '123456789012',
    clock: systemClock,
    ...defined(options),
    identities: options.identities,
    limits: webSocketApiLimits(options.limits),
  }
}
