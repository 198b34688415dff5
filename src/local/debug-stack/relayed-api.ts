import { randomBytes } from 'node:crypto'
import { TetherError, throwIfAborted } from '../../core/base/errors.js'
import type { CloudFormationResources } from '../../deploy/template/resource.js'
import { runFile } from '../../run-files.js'
import type { WebSocketApiLimits } from '../api-gateway/limits.js'
import { type WebSocketApi, webSocketApi } from '../api-gateway/web-socket-api.js'
import type { LocalIdentity } from '../iot/broker-options.js'
import { ConcurrencySlots } from '../lambda/concurrency-slots.js'
import type { LocalFunction } from '../lambda/function.js'
import type { FunctionDefinition, LocalCredentials } from '../lambda/function-definition.js'
import type { InvokeOptions, InvokeResult } from '../lambda/invoke-request.js'
import type { LimitChanges } from '../limits.js'
import type { DebugStackCloud, LocalDebugStack, LocalDebugStackOptions } from './debug-stack-options.js'
import { dynamoEndpoint } from './dynamo.js'
import { debugStackPlan } from './plan.js'

/** The parts of a relayed API. */
export interface RelayedApiParts extends Pick<LocalDebugStackOptions, 'through'> {
  /** The table's name. */
  readonly name: string
  readonly relayName: string
  /** The resources of the debug stack's template. */
  readonly resources: CloudFormationResources
  readonly apiId: string
  readonly identities?: readonly LocalIdentity[] | undefined
  readonly limits?: LimitChanges<WebSocketApiLimits> | undefined
  readonly relayConcurrency?: number | undefined
}

/** A WebSocket API with its relay and the relay's table. */
export interface RelayedApi extends Pick<LocalDebugStack, 'relay' | 'table'> {
  readonly api: WebSocketApi
  /** Returns the relay's definition from changed resources. */
  relayOf(resources: CloudFormationResources): FunctionDefinition
  close(): Promise<void>
}

/** @throws TetherError `INVALID_OPTION`, `MISSING_DEPENDENCY` (dynalite), `UNREACHABLE` */
export async function startRelayedApi(
  {
    name,
    relayName,
    resources,
    apiId,
    identities = [],
    limits,
    relayConcurrency = 8,
    through,
  }: RelayedApiParts,
  cloud: Pick<DebugStackCloud, 'host' | 'region' | 'accountId' | 'credentials' | 'clock' | 'function'>,
): Promise<RelayedApi> {
  const { host, region, accountId, clock } = cloud
  const facts = { apiId, region, accountId }
  const plan = debugStackPlan(resources, facts)
  const role = roleCredentials()
  const dynamo = await dynamoEndpoint(host)
  const opened: { close(): Promise<void> }[] = [dynamo]
  const close = async () => {
    await Promise.all(opened.map((part) => part.close()))
  }
  try {
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
    opened.push(api)
    const relayOf = (changed: CloudFormationResources): FunctionDefinition => {
      const { relay } = debugStackPlan(changed, facts)
      return {
        ...relay,
        name: relayName,
        bundle: runFile('relay'),
        environment: {
          ...relay.environment,
          TABLE_NAME: name,
          AWS_ENDPOINT_URL_DYNAMODB: dynamo.url,
          AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: api.managementEndpoint,
        },
        credentials: role,
      }
    }
    const relay = cloud.function(relayOf(resources))
    queue.target = through?.(relay) ?? relay
    return { api, relay, table: { name, endpoint: dynamo.url }, relayOf, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Invokes the relay, which is made once the API's address is known; limits concurrent invocations. */
class RelayQueue implements Pick<LocalFunction, 'invoke'> {
  /** Set before any client knows the API's address. */
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

// With a session token, as for an assumed role.
function roleCredentials(): LocalCredentials {
  return {
    accessKeyId: `ASIA${randomBytes(8).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString('base64'),
    sessionToken: randomBytes(120).toString('base64'),
  }
}
