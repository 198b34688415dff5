import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CreateTableCommand, DynamoDBClient, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb'
import dynalite from 'dynalite'
import { onTestFinished } from 'vitest'
import type { StageScope } from '../../src/core/wire/derivation.js'
import { generateKey, rootKey, StageKeys } from '../../src/core/wire/root-key.js'
import { createLambdaHost } from '../../src/local/index.js'
import { runFile } from '../../src/run-files.js'
import type { RelayAnswer } from '../../src/stub/relay/relay.js'

/** Who connects, as its URL says. */
export type Query = Readonly<Record<string, string>>

/** The key of the relay's sessions. */
const key = generateKey()

/** Where clients connect. */
export const HOST = 'abc123.execute-api.eu-west-1.amazonaws.com'

/** What a session signs as it connects, and with which key. */
export interface Signed {
  readonly root?: string
  readonly host?: string
  /** In Unix milliseconds. @default now */
  readonly at?: number
}

/** A session's query, signed; `more` is signed as well, `signed` as told. */
export function session(id: string, epoch: number, more: Query = {}, signed: Signed = {}): Query {
  const { root = key, host = HOST, at = Date.now() } = signed
  const { app = 'shop', stage = 'dev', name = 'default' } = more
  const keys = new StageKeys(rootKey('key', root), { app, stage })
  const signature = keys.sign('connect', [host, app, stage, name, id, epoch, at])
  const proof = { session: id, epoch: `${epoch}`, at: `${at}`, sig: signature.toString('base64url') }
  return { app, stage, role: 'session', name, ...proof, ...more }
}

/** A name as stubs have them, that begins with `text`. */
export function named(text: string): string {
  return text.padEnd(22, '_')
}

/** A stub's query. */
export function stub(name = named('e1'), more: Query = {}): Query {
  return { app: 'shop', stage: 'dev', role: 'stub', name, ...more }
}

/** What a relay's environment has of its sessions' keys. */
function publicKeys(scope: StageScope, ...roots: readonly string[]): string {
  return roots
    .map((root) => new StageKeys(rootKey('key', root), scope).publicBytes.toString('base64url'))
    .join(',')
}

/** A client's message to the relay. */
export function message(number: number, role: string, name: string, frame = 'ZnJhbWU='): string {
  return `r ${number} ${role} ${name64(name)}\n${frame}`
}

export function name64(name: string): string {
  return Buffer.from(name).toString('base64url')
}

/**
 * The built relay in a Lambda host of its own, with a real table and API Gateway's clients as a list of ids. It serves sessions
 * with one of these keys.
 */
export async function openRelay({ app = 'shop', stage = 'dev', keys = [key] } = {}) {
  const credentials = { accessKeyId: 'AKIA', secretAccessKey: 'secret' }
  const failures: { dynamo: number[]; posts: number[] } = { dynamo: [], posts: [] }
  const connected = new Set<string>()
  const posts: { to: string; text: string }[] = []
  const disconnected: string[] = []

  const database = dynalite({ createTableMs: 0 })
  // Closes its store, though it never listens itself.
  onTestFinished(() => new Promise<void>((resolve) => void database.close(() => resolve())))
  const dynamoUrl = await serve((request, response) => {
    const status = failures.dynamo.shift()
    if (status === undefined) return void database.emit('request', request, response)
    response.writeHead(status).end('{"__type":"com.amazon.coral.service#InternalServerError"}')
  })
  const managementUrl = await serve(async (request, response) => {
    const id = decodeURIComponent(/^\/dev\/@connections\/([^/]+)$/.exec(request.url ?? '')?.[1] ?? '')
    const text = Buffer.concat(await request.toArray()).toString()
    const status = failures.posts.shift() ?? (connected.has(id) ? 200 : 410)
    if (status === 200 && request.method === 'DELETE') {
      connected.delete(id)
      disconnected.push(id)
    } else if (status === 200) posts.push({ to: id, text })
    response.writeHead(status).end()
  })
  const client = new DynamoDBClient({ endpoint: dynamoUrl, region: 'us-east-1', credentials })
  onTestFinished(() => client.destroy())
  await client.send(
    new CreateTableCommand({
      TableName: 'connections',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['pk', 'sk'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    }),
  )
  const host = createLambdaHost({ credentials })
  onTestFinished(() => host.close())
  const relay = host.function({
    name: 'relay',
    bundle: runFile('relay'),
    timeoutMs: 15_000,
    environment: {
      TABLE_NAME: 'connections',
      APP: app,
      STAGE: stage,
      PUBLIC_KEYS: publicKeys({ app, stage }, ...keys),
      AWS_ENDPOINT_URL_DYNAMODB: dynamoUrl,
      AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: `${managementUrl}/dev`,
    },
  })
  const invoke = async (routeKey: string, connectionId: string, more: object = {}, now = Date.now()) => {
    const request = { domainName: HOST, stage: 'tether', requestTimeEpoch: now }
    const requestContext = { routeKey, connectionId, ...request }
    const { payload, functionError } = await relay.invoke({ requestContext, ...more })
    return { answer: JSON.parse(Buffer.from(payload).toString()) as RelayAnswer, functionError }
  }

  return {
    /** Who is there; a client that is gone without a goodbye is deleted from it. */
    connected,
    /** What was posted to clients, in order. */
    posts,
    /** Whom the relay sent away. */
    disconnected,
    /** Statuses that the next requests to a service get in place of an answer. */
    failures,
    invoke,
    /** Connects at API Gateway's time `now`. */
    async connect(connectionId: string, query: Query, now?: number): Promise<number> {
      const { answer } = await invoke('$connect', connectionId, { queryStringParameters: query }, now)
      if (answer.statusCode === 200) connected.add(connectionId)
      return answer.statusCode
    },
    async disconnect(connectionId: string): Promise<void> {
      connected.delete(connectionId)
      await invoke('$disconnect', connectionId)
    },
    /** Sends a message; resolves with what was posted because of it. */
    async send(connectionId: string, body: string) {
      const before = posts.length
      const { functionError } = await invoke('$default', connectionId, { body })
      return { functionError, posted: posts.slice(before) }
    },
    /** The table's rows. */
    async rows() {
      const { Items = [] } = await client.send(new ScanCommand({ TableName: 'connections' }))
      return Items.map((item) =>
        Object.fromEntries(Object.entries(item).map(([name, { S, N }]) => [name, S ?? Number(N)])),
      )
    },
    /** Makes a connection's row under its name that much older. */
    async age(connectionId: string, ms: number): Promise<void> {
      const { Items = [] } = await client.send(new ScanCommand({ TableName: 'connections' }))
      const row = Items.find(({ sk }) => sk?.S === connectionId)
      if (row === undefined) throw new Error(`There is no row of ${connectionId}.`)
      const connectedAt = { N: `${Number(row.connectedAt?.N) - ms}` }
      await client.send(new PutItemCommand({ TableName: 'connections', Item: { ...row, connectedAt } }))
    },
  }
}

async function serve(listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
