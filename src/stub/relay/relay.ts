import { functionRegion, serviceHost } from '../../aws/endpoints.js'
import { Admission } from './admission.js'
import { awsCaller, type RelayEnvironment } from './aws.js'
import { RelayPosts } from './posts.js'
import { type ConnectionRow, RelayTable } from './table.js'
import {
  absent,
  forwarded,
  type HandOn,
  keptReceipt,
  looked,
  type RelayRequest,
  readRequest,
  taken,
} from './wire.js'

/** The event of a WebSocket route's function; only the fields that the relay reads. */
export interface RelayEvent {
  readonly requestContext: {
    readonly routeKey: string
    readonly connectionId: string
    /** The host that the client connected to; with a custom domain, that domain. */
    readonly domainName: string
    /** The API's stage. */
    readonly stage: string
    /** Time of the request, in Unix milliseconds. */
    readonly requestTimeEpoch: number
  }
  /** Present for `$connect` only. */
  readonly queryStringParameters?: Readonly<Record<string, string | undefined>> | null
  /** A message's text. */
  readonly body?: string | null
}

/** The answer of a route's function. For `$connect` it admits or rejects the client; other routes ignore it. */
export interface RelayAnswer {
  readonly statusCode: number
  readonly body?: string
}

/** Environment of the relay. */
export interface RelayOptions {
  /**
   * `TABLE_NAME`, `APP`, `STAGE`, `PUBLIC_KEYS`, and Lambda's own variables; `AWS_ENDPOINT_URL_DYNAMODB` and
   * `AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI` are honoured.
   */
  readonly env: RelayEnvironment
}

/** A relay that handles all routes of a WebSocket API. */
export type Relay = (event: RelayEvent) => Promise<RelayAnswer>

/** A client still waiting for the answer of `$connect` gets 410 too. For this long, its row does not count as stale. */
const YOUNG_MS = 5_000
/** How many connections under a name a frame is offered to at most; each try removes stale ones. */
const MAX_RECEIVERS = 25

const OK: RelayAnswer = { statusCode: 200 }

/**
 * Makes the function behind the WebSocket API. It forwards sealed frames between the stubs and sessions of one
 * application and stage, and tells each side the other's connection, so that later frames bypass the relay. A session
 * is admitted under its name if it has the stage's key.
 *
 * The sender's identity comes from its own row, which `$connect` wrote; a frame's header names only the receiver. The
 * relay's statements affect only the route of frames: frames are sealed end to end.
 *
 * An error that it throws reaches the client as API Gateway's "Internal server error"; the client sends again.
 */
export function createRelay({ env }: RelayOptions): Relay {
  const call = awsCaller(env)
  const database = env.AWS_ENDPOINT_URL_DYNAMODB ?? `https://${serviceHost('dynamodb', functionRegion(env))}`
  const admission = new Admission(env)
  const table = new RelayTable(call, database, env.TABLE_NAME ?? '')

  return async ({ requestContext, queryStringParameters, body }) => {
    const { routeKey, connectionId, domainName, stage, requestTimeEpoch: now } = requestContext
    const management = env.AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI ?? `https://${domainName}/${stage}`
    const posts = new RelayPosts(call, management.replace(/\/$/, ''))
    if (routeKey === '$connect') {
      const query = queryStringParameters ?? {}
      const admitted = admission.admit({ query, host: domainName, now })
      if ('statusCode' in admitted) return admitted
      await table.put({ ...admitted, connectionId, connectedAt: Date.now() })
      return OK
    }
    const sender = await table.find(connectionId)
    if (routeKey === '$disconnect') {
      if (sender !== undefined) await table.delete(sender)
      return OK
    }
    const request = readRequest(body)
    // Not a request of this package's clients: it has no number to answer to.
    if (request === undefined) return OK
    // Connected but unknown: its row was removed by hand. The client reconnects and gets a new one.
    if (sender === undefined) await posts.disconnect(connectionId)
    else await posts.post(connectionId, await answer(request, sender, { table, posts }))
    return OK
  }
}

interface Means {
  readonly table: RelayTable
  readonly posts: RelayPosts
}

/** Carries out a client's request; resolves with the reply to it. */
async function answer(request: RelayRequest, sender: ConnectionRow, means: Means): Promise<string> {
  const { table } = means
  const { app, stage, connectionId } = sender
  switch (request.kind) {
    case 'hand on':
      return relay(request, sender, means)
    case 'keep':
      // A stub keeps no frames.
      if (sender.role === 'session') await table.keep(sender, request.frame)
      return keptReceipt(request, connectionId)
    case 'look': {
      const found = request.names.map(async (name) => {
        const rows = await table.list({ app, stage, role: 'session', name })
        const kept = rows.find((row) => row.kept !== undefined)?.kept
        return kept === undefined ? [] : [[name, kept] as const]
      })
      return looked(request, connectionId, (await Promise.all(found)).flat())
    }
  }
}

/** Forwards a frame; resolves with the reply to its sender. */
async function relay(request: HandOn, sender: ConnectionRow, means: Means): Promise<string> {
  const { role, name, frame } = request
  const { app, stage, connectionId } = sender
  const toPeers = sender.role === 'session' && role === 'session'
  // Sessions talk to stubs, stubs to sessions, and sessions to others of the same name.
  if (toPeers ? name !== sender.name : role === sender.role) return absent(request, connectionId)

  const rows = await means.table.list({ app, stage, role, name })
  const text = forwarded(sender, frame)
  if (toPeers) {
    const others = rows.filter((row) => row.session !== sender.session).slice(0, MAX_RECEIVERS)
    await Promise.all(others.map((row) => deliver(row, text, means)))
    return taken(request, connectionId)
  }
  for (const row of rows.slice(0, MAX_RECEIVERS)) {
    if (await deliver(row, text, means)) return taken(request, connectionId, row.connectionId)
  }
  return absent(request, connectionId)
}

/** Posts to a connection and removes its row if stale. @returns whether the client is connected */
async function deliver(row: ConnectionRow, text: string, { table, posts }: Means): Promise<boolean> {
  if (await posts.post(row.connectionId, text)) return true
  if (Date.now() - row.connectedAt >= YOUNG_MS) await table.delete(row)
  return false
}
