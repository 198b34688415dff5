import { createHash, randomBytes } from 'node:crypto'
import { checkFunction, wholeNumber } from '../../core/base/option-checks.js'
import { checkOptions, required } from '../../core/base/options.js'
import { checkPart } from '../../core/contracts/transport.js'
import { checkKeys, debugStackTemplate } from '../../deploy/template/debug-stack.js'
import { type WebSocketApiLimits, webSocketApiLimits } from '../api-gateway/limits.js'
import { checkApiName } from '../api-gateway/web-socket-api-options.js'
import type { LocalFunction } from '../lambda/function.js'
import type { LimitChanges } from '../limits.js'
import { checkIdentities } from '../option-checks.js'
import type { DebugStackCloud, LocalDebugStack, LocalDebugStackOptions } from './debug-stack-options.js'
import { startRelayedApi } from './relayed-api.js'

/**
 * Starts a table, a relay, a WebSocket API and a bucket, as in the template.
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
  const name = stackName(options)
  const { Resources } = debugStackTemplate({ app, stage, key })
  const started = await startRelayedApi(
    {
      name,
      relayName: `${name}-relay`,
      resources: Resources,
      apiId,
      identities,
      limits,
      relayConcurrency,
      ...(options.through && { through: (relay: LocalFunction) => options.through!(relay) }),
    },
    cloud,
  )
  cloud.own(started)
  const { api, relay, table } = started
  return { endpoint: api.endpoint, api, relay, bucket: cloud.bucket(name), table }
}

// Hashed: the names of a table, a function and a bucket are limited to fewer characters than an application's name.
function stackName({ app, stage }: LocalDebugStackOptions): string {
  return `debug-stack-${createHash('sha256')
    .update(JSON.stringify([app, stage]))
    .digest('hex')
    .slice(0, 16)}`
}
