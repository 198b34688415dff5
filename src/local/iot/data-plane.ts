import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Aedes } from 'aedes'
import { parseQuery, splitOnce } from '../../aws/query.js'
import { verifyAuthorization } from '../../aws/verify-headers.js'
import type { Clock } from '../../core/base/clock.js'
import { defined } from '../../core/base/defined.js'
import { readBody } from '../../network/listener.js'
import type { BrokerSettings, CheckedIdentity } from './broker-options.js'
import { publishFault } from './connection.js'
import type { IotAction } from './policy-check.js'
import type { RetainedMessages } from './retained-messages.js'

/** Surroundings of the data endpoint's HTTP API. */
export interface DataPlaneOptions {
  readonly settings: BrokerSettings
  readonly retained: RetainedMessages
  publish(packet: Parameters<Aedes['publish']>[0]): Promise<void>
}

interface Reply {
  readonly status: number
  readonly errorType?: string
  readonly json?: object
}

const MAX_RESULTS = 200

/**
 * Answers `POST /topics/{topic}`, `GET /retainedMessage` and `GET /retainedMessage/{topic}`, which AWS IoT's data
 * endpoint serves beside MQTT.
 */
export async function answerDataPlane(
  request: IncomingMessage,
  response: ServerResponse,
  options: DataPlaneOptions,
): Promise<void> {
  const { clock } = options.settings
  const { status, errorType, json } = await reply(request, options)
  const text = json === undefined ? '' : JSON.stringify(json)
  response.sendDate = false
  response.writeHead(status, {
    date: new Date(clock.now()).toUTCString(),
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'x-amzn-requestid': randomUUID(),
    ...(errorType === undefined ? {} : { 'x-amzn-errortype': errorType }),
  })
  response.end(text)
}

async function reply(request: IncomingMessage, options: DataPlaneOptions): Promise<Reply> {
  const { method = '', url = '/', headers } = request
  const { region, identities, clock, limits } = options.settings
  const body = await readBody(request, limits.payloadBytes)
  const [path = '', queryText = ''] = splitOnce(url, '?')
  const query = new Map(parseQuery(queryText))
  const [, verb = '', encoded] = path.split('/')
  const topic = decoded(encoded ?? '')
  const route = `${method} /${verb}${encoded === undefined ? '' : '/{topic}'}`
  if (topic === undefined || !ROUTES.includes(route))
    return failure(404, 'ResourceNotFoundException', 'Not Found')
  if (body === undefined) {
    return failure(413, 'InvalidRequestException', `The payload exceeds ${limits.payloadBytes} bytes.`)
  }
  const signer = identities && signerOf({ method, url, headers, body }, region, identities, clock)
  if (identities !== undefined && signer === undefined) return forbidden()
  const may = (action: IotAction, resource: string) => signer?.check?.(action, resource) ?? true
  switch (route) {
    case 'POST /topics/{topic}': {
      const retain = query.get('retain') === 'true'
      const qos = Number(query.get('qos') ?? 0) as 0 | 1
      if (qos !== 0 && qos !== 1) return failure(400, 'InvalidRequestException', 'QoS must be 0 or 1')
      const fault = publishFault(
        { topic, payloadBytes: body.length, qos, retain },
        defined({ limits, policy: signer?.check }),
      )
      if (fault?.reason === 'AUTH_ERROR') return forbidden()
      if (fault !== undefined) return failure(400, 'InvalidRequestException', fault.detail)
      await options.publish({ cmd: 'publish', dup: false, topic, payload: body, qos, retain })
      return { status: 200, json: { message: 'OK', traceId: randomUUID() } }
    }
    case 'GET /retainedMessage/{topic}': {
      if (!may('iot:GetRetainedMessage', `topic/${topic}`)) return forbidden()
      const found = options.retained.get(topic)
      return found === undefined
        ? failure(404, 'ResourceNotFoundException', 'No retained message found for the specified topic')
        : { status: 200, json: found }
    }
    default:
      if (!may('iot:ListRetainedMessages', '*')) return forbidden()
      return { status: 200, json: page(options.retained, query) }
  }
}

const ROUTES: readonly string[] = [
  'POST /topics/{topic}',
  'GET /retainedMessage',
  'GET /retainedMessage/{topic}',
]

function page(retained: RetainedMessages, query: ReadonlyMap<string, string>): object {
  const start = Number(Buffer.from(query.get('nextToken') ?? '', 'base64url').toString('utf8'))
  const end = start + Math.min(MAX_RESULTS, Number(query.get('maxResults') ?? MAX_RESULTS))
  const all = retained.list()
  const nextToken = end < all.length ? Buffer.from(String(end)).toString('base64url') : undefined
  return { retainedTopics: all.slice(start, end), nextToken }
}

function signerOf(
  request: Parameters<typeof verifyAuthorization>[0],
  region: string,
  identities: readonly CheckedIdentity[],
  clock: Clock,
): CheckedIdentity | undefined {
  // A test's clock may differ widely from the clock of the signing process.
  const scope = { region, service: 'iotdata', identities, times: [clock.now(), Date.now()] }
  const verified = verifyAuthorization(request, scope)
  return 'fault' in verified ? undefined : verified.identity
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part)
  } catch {
    return undefined
  }
}

function forbidden(): Reply {
  return failure(403, 'ForbiddenException', 'Forbidden')
}

function failure(status: number, errorType: string, message: string): Reply {
  return { status, errorType, json: { message, traceId: randomUUID() } }
}
