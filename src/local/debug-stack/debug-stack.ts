import { createHash, randomBytes } from 'node:crypto'
import type { Clock } from '../../core/base/clock.js'
import { TetherError, throwIfAborted } from '../../core/base/errors.js'
import { checkFunction, wholeNumber } from '../../core/base/option-checks.js'
import { checkOptions, required } from '../../core/base/options.js'
import { checkPart } from '../../core/contracts/transport.js'
import { checkKeys } from '../../deploy/template/debug-stack.js'
import { runFile } from '../../run-files.js'
import { type WebSocketApiLimits, webSocketApiLimits } from '../api-gateway/limits.js'
import { type WebSocketApi, webSocketApi } from '../api-gateway/web-socket-api.js'
import { checkApiName } from '../api-gateway/web-socket-api-options.js'
import type { LocalIdentity } from '../iot/broker-options.js'
import { ConcurrencySlots } from '../lambda/concurrency-slots.js'
import type { LocalFunction } from '../lambda/function.js'
import type { FunctionDefinition, LocalCredentials } from '../lambda/function-definition.js'
import type { InvokeOptions, InvokeResult } from '../lambda/invoke-request.js'
import type { LimitChanges } from '../limits.js'
import { checkIdentities } from '../option-checks.js'
import type { LocalBucket } from '../s3/bucket.js'
import { dynamoEndpoint } from './dynamo.js'
import { debugStackPlan } from './plan.js'

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

/**
 * Starts a table, a relay, a WebSocket API and a bucket, as the template has them.
 * @throws TetherError `INVALID_OPTION`, `MISSING_DEPENDENCY` (dynalite), `UNREACHABLE`
 */
export async function startDebugStack(
  options: LocalDebugStackOptions,
  cloud: DebugStackCloud,
): Promise<LocalDebugStack> {
  const {
    app,
    stage,
    key,
    apiId = randomBytes(5).toString('hex'),
    identities = [],
    limits,
    relayConcurrency = 8,
  } = checkOptions('debugStack', options, {
    app: required(checkPart),
    stage: required(checkPart),
    key: required(checkKeys),
    apiId: checkApiName,
    identities: checkIdentities,
    limits: (_name, value) => webSocketApiLimits(value as LimitChanges<WebSocketApiLimits>),
    relayConcurrency: wholeNumber(1),
    through: checkFunction,
  })
  const { host, region, accountId, clock } = cloud
  const plan = debugStackPlan({ app, stage, key, apiId, region, accountId })
  const name = stackName(options)
  const role = roleCredentials()
  const dynamo = await dynamoEndpoint(host)
  cloud.own(dynamo)
  await dynamo.createTable({ TableName: name, ...plan.table })

  const queue = new RelayQueue(relayConcurrency)
  const api = await webSocketApi({
    routes: Object.fromEntries(
      Object.entries(plan.routes).map(([key, target]) => [key, target === 'mock' ? 'mock' : queue]),
    ),
    stage: plan.apiStage,
    identities: [cloud.credentials, { ...role, policy: plan.role }, ...identities],
    apiId,
    host,
    region,
    accountId,
    clock,
    ...(limits === undefined ? {} : { limits }),
  })
  cloud.own(api)
  const relay = cloud.function({
    ...plan.relay,
    name: `${name}-relay`,
    bundle: runFile('relay'),
    environment: {
      ...plan.relay.environment,
      TABLE_NAME: name,
      AWS_ENDPOINT_URL_DYNAMODB: dynamo.url,
      AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: api.managementEndpoint,
    },
    credentials: role,
  })
  queue.target = options.through?.(relay) ?? relay
  return {
    endpoint: api.endpoint,
    api,
    relay,
    bucket: cloud.bucket(name),
    table: { name, endpoint: dynamo.url },
  }
}

/** Stands before the relay, which is made once the API's address is known, and lets in only so many at once. */
class RelayQueue implements Pick<LocalFunction, 'invoke'> {
  /** Set before anybody knows where to connect. */
  target: Pick<LocalFunction, 'invoke'> | undefined
  readonly #slots: ConcurrencySlots

  constructor(concurrency: number) {
    this.#slots = new ConcurrencySlots(concurrency)
  }

  async invoke(event?: unknown, options: InvokeOptions = {}): Promise<InvokeResult> {
    await this.#slots.take()
    try {
      throwIfAborted(options.signal)
      if (this.target === undefined) throw new TetherError('CLOSED', 'The debug stack is not complete.')
      return await this.target.invoke(event, options)
    } finally {
      this.#slots.release()
    }
  }
}

// Serves as the name of a table, a function and a bucket, which take fewer characters than an application's name has.
function stackName({ app, stage }: LocalDebugStackOptions): string {
  return `debug-stack-${createHash('sha256')
    .update(JSON.stringify([app, stage]))
    .digest('hex')
    .slice(0, 16)}`
}

// As of an assumed role: with a session token.
function roleCredentials(): LocalCredentials {
  return {
    accessKeyId: `ASIA${randomBytes(8).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString('base64'),
    sessionToken: randomBytes(120).toString('base64'),
  }
}
