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

/** What API Gateway invokes a WebSocket route's function with, as far as the relay reads it. */
export interface RelayEvent {
  readonly requestContext: {
    readonly routeKey: string
    readonly connectionId: string
    /** The host that the client connected to: below a domain of one's own, that. */
    readonly domainName: string
    /** The API's own. */
    readonly stage: string
    /** When the client asked, in Unix milliseconds. */
    readonly requestTimeEpoch: number
  }
  /** Of `$connect` alone. */
  readonly queryStringParameters?: Readonly<Record<string, string | undefined>> | null
  /** A message's text. */
  readonly body?: string | null
}

/** What a route's function answers: for `$connect` whether the client is let in; otherwise nobody reads it. */
export interface RelayAnswer {
  readonly statusCode: number
  readonly body?: string
}

/** Where the relay runs. */
export interface RelayOptions {
  /** `TABLE_NAME`, `APP`, `STAGE`, `PUBLIC_KEYS`, and what Lambda sets; `AWS_ENDPOINT_URL_DYNAMODB` and `AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI` are honoured. */
  readonly env: RelayEnvironment
}

/** One relay that handles all of a WebSocket API's routes. */
export type Relay = (event: RelayEvent) => Promise<RelayAnswer>

/** A client for which `$connect` has not answered yet gets 410 as well. This long its row is not taken for a stale one. */
const YOUNG_MS = 5_000
/** How many connections under a name one frame is offered to at most; stale ones go away with each try. */
const MAX_RECEIVERS = 25

const OK: RelayAnswer = { statusCode: 200 }

/**
 * The function behind the WebSocket API. It hands sealed frames on between stubs and sessions of one application and
 * stage, and tells both sides the connection of the other, so that they need it no more. A session is let in under its name
 * if it has the stage's key.
 *
 * Who sends is what the sender's own row says, which `$connect` wrote; a frame's head names the receiver alone. What the
 * relay says decides nothing but the way that frames take: they are sealed end to end.
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
    // What no client of this package sends has no number to answer to.
    if (request === undefined) return OK
    // Connected and unknown: its row was removed by hand. It comes back with a new one.
    if (sender === undefined) await posts.disconnect(connectionId)
    else await posts.post(connectionId, await answer(request, sender, { table, posts }))
    return OK
  }
}

interface Means {
  readonly table: RelayTable
  readonly posts: RelayPosts
}

/** Does what a client asks; resolves with what it is told. */
async function answer(request: RelayRequest, sender: ConnectionRow, means: Means): Promise<string> {
  const { table } = means
  const { app, stage, connectionId } = sender
  switch (request.kind) {
    case 'hand on':
      return relay(request, sender, means)
    case 'keep':
      // A stub has nothing to keep.
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

/** Hands one frame on; resolves with what its sender is told. */
async function relay(request: HandOn, sender: ConnectionRow, means: Means): Promise<string> {
  const { role, name, frame } = request
  const { app, stage, connectionId } = sender
  const toPeers = sender.role === 'session' && role === 'session'
  // Sessions talk to stubs, stubs to sessions, and sessions of one name with each other.
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

/** @returns whether somebody is connected there; where nobody is, the stale row goes */
async function deliver(row: ConnectionRow, text: string, { table, posts }: Means): Promise<boolean> {
  if (await posts.post(row.connectionId, text)) return true
  if (Date.now() - row.connectedAt >= YOUNG_MS) await table.delete(row)
  return false
}
