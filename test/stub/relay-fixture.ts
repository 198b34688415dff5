import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CreateTableCommand, DynamoDBClient, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb'
import dynalite from 'dynalite'
import { onTestFinished } from 'vitest'
import { createLambdaHost } from '../../src/local/index.js'
import { runFile } from '../../src/run-files.js'

/** Who connects, as its URL says. */
export type Query = Readonly<Record<string, string>>

/** A session's query. */
export function session(id: string, epoch: number, more: Query = {}): Query {
  return {
    app: 'shop',
    stage: 'dev',
    role: 'session',
    name: 'default',
    session: id,
    epoch: `${epoch}`,
    ...more,
  }
}

/** A stub's query. */
export function stub(name = 'e1', more: Query = {}): Query {
  return { app: 'shop', stage: 'dev', role: 'stub', name, ...more }
}

/** A client's message to the relay. */
export function message(number: number, role: string, name: string, frame = 'ZnJhbWU='): string {
  return `r ${number} ${role} ${name64(name)}\n${frame}`
}

export function name64(name: string): string {
  return Buffer.from(name).toString('base64url')
}

/** The built relay in a Lambda host of its own, with a real table and API Gateway's clients as a list of ids. */
export async function openRelay() {
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
      AWS_ENDPOINT_URL_DYNAMODB: dynamoUrl,
      AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: `${managementUrl}/dev`,
    },
  })
  const invoke = async (routeKey: string, connectionId: string, more: object = {}) => {
    const requestContext = { routeKey, connectionId, domainName: 'unused.invalid', stage: 'dev' }
    const { payload, functionError } = await relay.invoke({ requestContext, ...more })
    return { answer: JSON.parse(Buffer.from(payload).toString()) as { statusCode: number }, functionError }
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
    async connect(connectionId: string, query: Query): Promise<number> {
      const { answer } = await invoke('$connect', connectionId, { queryStringParameters: query })
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
