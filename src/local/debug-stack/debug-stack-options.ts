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
  /** As the session and the stubs have them. */
  readonly app: string
  readonly stage: string
  /** As `debugStackTemplate` takes it: the session's key, or two while it is rotated. */
  readonly key: string | Uint8Array | readonly (string | Uint8Array)[]
  /** Ten letters and digits, in the resources of policies. @default made up */
  readonly apiId?: string | undefined
  /** Who may connect and post beside the cloud's own credentials, such as those who may only connect. @default none */
  readonly identities?: readonly LocalIdentity[] | undefined
  /** Limits of the WebSocket API other than AWS's. */
  readonly limits?: LimitChanges<WebSocketApiLimits> | undefined
  /** How many processes may run the relay at once; further messages wait for one. @default 8 */
  readonly relayConcurrency?: number | undefined
  /** What API Gateway asks in the relay's place; for tests that make it fail. @default the relay */
  through?(relay: LocalFunction): Pick<LocalFunction, 'invoke'>
}

/** What `debugStackTemplate` deploys, on this machine. It is closed with its cloud. */
export interface LocalDebugStack {
  /** `ws://127.0.0.1:<port>/tether`, for the `apiGateway` transport. */
  readonly endpoint: string
  /** Also for its events and counts, and to cut connections. */
  readonly api: WebSocketApi
  readonly relay: LocalFunction
  /** For large payloads. */
  readonly bucket: LocalBucket
  /** The relay's table, in a DynamoDB of its own. */
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
  /** Takes what is to be closed with the cloud. */
  own(part: { close(): Promise<void> }): void
}
