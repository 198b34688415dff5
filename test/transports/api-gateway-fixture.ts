import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import dynalite from 'dynalite'
import type { StageScope } from '../../src/core/wire/derivation.js'
import { generateKey, rootKey, StageKeys } from '../../src/core/wire/root-key.js'
import type { Transport } from '../../src/index.js'
import type { LocalIdentity, WebSocketApi, WebSocketApiOptions } from '../../src/local/index.js'
import { webSocketApi } from '../../src/local/index.js'
import { createRelay, type Relay, type RelayEvent } from '../../src/stub/relay/relay.js'
import { apiGatewayLight } from '../../src/transports/api-gateway/light.js'
import type { Sign } from '../../src/transports/api-gateway/url.js'
import { type ApiGatewayOptions, apiGateway } from '../../src/transports/api-gateway.js'

export const region = 'eu-west-1'
export const identity = {
  accessKeyId: 'ASIATEMPORARY',
  secretAccessKey: 'secret/+word',
  sessionToken: 'token/with+special=characters==',
}

/** An identity that may connect and send, and post to nobody. */
export const postless: LocalIdentity = {
  accessKeyId: 'AKIAPOSTLESS',
  secretAccessKey: 'other-word',
  policy: {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: 'execute-api:Invoke', Resource: '*' }],
  },
}

const TABLE_NAME = 'connections'

/** The key of the sessions that {@link startApi} takes, whatever their app and stage. */
export const key = generateKey()

/** The keys of an app's stage, of a root key. */
function stageKeys({ app, stage }: StageScope, root = key): StageKeys {
  return new StageKeys(rootKey('key', root), { app, stage })
}

/** Has what connects a session without `sign` sign with {@link key}. */
function signing(transport: Transport): Transport {
  return {
    ...transport,
    connect(self, handlers, options) {
      if (self.role === 'stub') return transport.connect(self, handlers, options)
      const keys = stageKeys(self)
      const sign: Sign = (purpose, ...parts) => keys.sign(purpose, parts)
      return transport.connect(self, handlers, { sign, ...options })
    },
  }
}

/** The relay's table in DynamoDB's double. */
export interface Database extends AsyncDisposable {
  readonly url: string
}

/** Starts DynamoDB's double on a free port, with the relay's table. */
export async function startDatabase(): Promise<Database> {
  const database = dynalite({ createTableMs: 0 })
  const server = createServer((request, response) => void database.emit('request', request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const credentials = { accessKeyId: 'AKIA', secretAccessKey: 'secret' }
  const client = new DynamoDBClient({ endpoint: url, region, credentials })
  await client.send(
    new CreateTableCommand({
      TableName: TABLE_NAME,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['pk', 'sk'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    }),
  )
  client.destroy()
  return {
    url,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await new Promise<void>((resolve) => database.close(() => resolve()))
    },
  }
}

export interface ApiOptions extends Omit<Partial<WebSocketApiOptions>, 'routes' | 'region'> {
  readonly database: Database
  /** Whether this run of the relay fails, before it does anything. @default never */
  readonly fails?: (event: RelayEvent) => boolean
}

/** API Gateway's double in this process, with a relay for each app and stage as if all their stacks were one. */
export async function startApi({
  database,
  fails = () => false,
  ...options
}: ApiOptions): Promise<WebSocketApi> {
  const env: Record<string, string> = {
    TABLE_NAME,
    AWS_REGION: region,
    AWS_ENDPOINT_URL_DYNAMODB: database.url,
    AWS_ACCESS_KEY_ID: identity.accessKeyId,
    AWS_SECRET_ACCESS_KEY: identity.secretAccessKey,
    AWS_SESSION_TOKEN: identity.sessionToken,
  }
  const relays = new Map<string, Relay>()
  const relayOf = ({ queryStringParameters }: RelayEvent): Relay => {
    const { app = 'shop', stage = 'dev' } = queryStringParameters ?? {}
    const id = JSON.stringify([app, stage])
    const PUBLIC_KEYS = stageKeys({ app, stage }).publicBytes.toString('base64url')
    const relay = relays.get(id) ?? createRelay({ env: { ...env, APP: app, STAGE: stage, PUBLIC_KEYS } })
    relays.set(id, relay)
    return relay
  }
  const invoked = {
    async invoke(event: unknown) {
      const result = { requestId: 'r', statusCode: 200, logTail: '', durationMs: 0 } as const
      try {
        if (fails(event as RelayEvent)) throw new Error('made to fail')
        const answer = await relayOf(event as RelayEvent)(event as RelayEvent)
        return { ...result, payload: Buffer.from(JSON.stringify(answer)) }
      } catch (error) {
        const payload = Buffer.from(JSON.stringify({ errorMessage: String(error) }))
        return { ...result, payload, functionError: 'Unhandled' as const }
      }
    },
  }
  const routes = { $connect: invoked, $disconnect: invoked, $default: invoked, ping: 'mock' } as const
  const api = await webSocketApi({ identities: [identity, postless], ...options, region, routes })
  env.AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI = api.managementEndpoint
  return api
}

/** The session's side and the stub's. */
export const SIDES: readonly {
  readonly side: string
  make(options: Partial<ApiGatewayOptions> & { readonly endpoint: string }): Transport
}[] = [
  {
    side: 'apiGateway',
    make: (options) => signing(apiGateway({ region, credentials: identity, ...options })),
  },
  {
    side: 'apiGatewayLight',
    make: ({ credentials = identity, ...options }) =>
      signing(
        apiGatewayLight({
          ...options,
          region,
          credentials: () =>
            (typeof credentials === 'function' ? credentials() : credentials) as typeof identity,
        }),
      ),
  },
]

/** As deployed: stubs with the small client, sessions with the AWS SDK's. */
export function bothSides(
  session: Partial<ApiGatewayOptions> & { readonly endpoint: string },
  stub: typeof session = session,
): Transport {
  const [sessions, stubs] = [SIDES[0]!.make(session), SIDES[1]!.make(stub)]
  return {
    ...sessions,
    connect: (self, ...rest) => (self.role === 'stub' ? stubs : sessions).connect(self, ...rest),
  }
}
