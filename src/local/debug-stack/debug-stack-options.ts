import type { Clock } from '../../core/base/clock.js'
import type { WebSocketApiLimits } from '../api-gateway/limits.js'
import type { WebSocketApi } from '../api-gateway/web-socket-api.js'
import type { LocalIdentity } from '../iot/broker-options.js'
import type { LocalFunction } from '../lambda/function.js'
import type { FunctionDefinition } from '../lambda/function-definition.js'
import type { LimitChanges } from '../limits.js'
import type { LocalBucket } from '../s3/bucket.js'

/** Options of {@link LocalCloud.debugStack}. */
export interface LocalDebugStackOptions {
  /** Application and stage of the session and the stubs. */
  readonly app: string
  readonly stage: string
  /** The session's key, or two during a rotation, as for `debugStackTemplate`. */
  readonly key: string | Uint8Array | readonly (string | Uint8Array)[]
  /** Ten letters and digits, used in the resources of policies. @default made up */
  readonly apiId?: string | undefined
  /** Further credentials that may connect and post, such as identities restricted to connecting. @default none */
  readonly identities?: readonly LocalIdentity[] | undefined
  /** Limits of the WebSocket API that replace AWS's. */
  readonly limits?: LimitChanges<WebSocketApiLimits> | undefined
  /** Most relay processes at once; further messages wait for a free one. @default 8 */
  readonly relayConcurrency?: number | undefined
  /**
   * Returns the function that API Gateway invokes instead of the relay; for tests that make it fail. @default the relay
   */
  through?(relay: LocalFunction): Pick<LocalFunction, 'invoke'>
}

/** The resources of `debugStackTemplate`, on this machine. Closes with its cloud. */
export interface LocalDebugStack {
  /** `ws://127.0.0.1:<port>/tether`, for the `apiGateway` transport. */
  readonly endpoint: string
  /** The WebSocket API. Has events and counts, and can cut connections. */
  readonly api: WebSocketApi
  readonly relay: LocalFunction
  /** The bucket for large payloads. */
  readonly bucket: LocalBucket
  /** The relay's table, in a separate DynamoDB. */
  readonly table: {
    readonly name: string
    /** For `AWS_ENDPOINT_URL_DYNAMODB`. */
    readonly endpoint: string
  }
}

/** The cloud around a debug stack. */
export interface DebugStackCloud {
  readonly host: string
  readonly region: string
  readonly accountId: string
  readonly credentials: LocalIdentity
  readonly clock: Clock
  function(definition: FunctionDefinition): LocalFunction
  bucket(name: string): LocalBucket
  /** Closes a part together with the cloud. */
  own(part: { close(): Promise<void> }): void
}
