// Compiled by each version of TypeScript that users may have, and never run: see ../versions.test.ts.

import { Logger } from '@aws-lambda-powertools/logger'
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware'
import middy from '@middy/core'
import type {
  APIGatewayProxyEventV2,
  APIGatewayProxyHandlerV2,
  APIGatewayProxyResultV2,
  Handler as AwsHandler,
  Callback,
  Context,
  S3Event,
  S3Handler,
  ScheduledHandler,
  SQSBatchResponse,
  SQSHandler,
} from 'aws-lambda'
import {
  createSession,
  type FunctionSource,
  type FunctionTarget,
  type Handler,
  type ServedFunction,
  type SessionOptions,
} from 'lambda-tether'
import { childProcesses, workerThreads } from 'lambda-tether/executors'
import { createStub, type StubOptions } from 'lambda-tether/stub'
import { memory } from 'lambda-tether/transports/memory'

// What people have.
const any: AwsHandler = async (event, context) => [event, context.awsRequestId]
const typed: AwsHandler<{ id: number }, string> = async ({ id }) => id.toFixed()
const http: APIGatewayProxyHandlerV2 = async (event) => ({ statusCode: 200, body: event.rawPath })
const httpTyped: APIGatewayProxyHandlerV2<{ message: string }> = async () => ({ message: 'hello' })
const queue: SQSHandler = async ({ Records }): Promise<SQSBatchResponse> => ({
  batchItemFailures: Records.map(({ messageId }) => ({ itemIdentifier: messageId })),
})
const bucket: S3Handler = async (event) => void event.Records[0]?.s3.object.key
const scheduled: ScheduledHandler = async () => {}
const bare = async (event: S3Event, context: Context) => [
  event.Records.length,
  context.getRemainingTimeInMillis(),
]
const withCallback = (event: S3Event, context: Context, callback: Callback<string>) => {
  context.callbackWaitsForEmptyEventLoop = false
  callback(null, event.Records[0]?.eventName)
}
const withAwsCallback: AwsHandler<S3Event, number> = (event, _context, callback) =>
  callback(event.Records.length > 0 ? null : new Error('empty'), 1)
const identified = async (_: unknown, { clientContext, identity, tenantId }: Context) => [
  clientContext?.client.appTitle,
  identity?.cognitoIdentityId,
  tenantId?.length,
]
const without = () => 'nothing needed'
const logger = new Logger()
class Service {
  async handler(event: APIGatewayProxyEventV2, context: Context): Promise<APIGatewayProxyResultV2> {
    logger.addContext(context)
    return { statusCode: 200, body: event.rawPath }
  }
}
const service = new Service()
const withMiddy = middy(http).use(injectLambdaContext(logger))
const withMiddyBare = middy<S3Event, number[]>().use(injectLambdaContext(logger)).handler(bare)
const withMiddyOwn = middy(async (event: { id: number }, context: Context) => [
  event.id,
  context.functionName,
])

// Everywhere a handler is taken.
export const handlers = {
  any,
  typed,
  http,
  httpTyped,
  queue,
  bucket,
  scheduled,
  bare,
  withCallback,
  withAwsCallback,
  identified,
  without,
  method: service.handler.bind(service),
  withMiddy,
  withMiddyBare,
  withMiddyOwn,
} satisfies Readonly<Record<string, Handler>>

const options: StubOptions = { app: 'shop', stage: 'dev', key: '', transport: memory() }
const session = createSession({ ...options, key: process.env.KEY })
session.serve({ functions: handlers })
session.serve({
  functions: { api: { target: http, executor: undefined, env: undefined }, jobs: 'src/jobs.handler' },
})
session.serve({ functions: (functionId) => (functionId === 'api' ? withMiddy : undefined) })
for (const [functionId, handler] of Object.entries(handlers)) session.functions.set(functionId, handler)
export const targets: FunctionTarget[] = [http, bare, withMiddy, './src/api.ts#handler']
export const served: ServedFunction = {
  target: bare,
  executor: workerThreads(),
  env: { TABLE: process.env.TABLE },
}
export const stubs = Object.values(handlers).map((passthrough) => createStub({ ...options, passthrough }))
export const source: FunctionSource = { load: async () => ({ kind: 'module', load: async () => http }) }
session.functions.set('source', source)

// A stub is a handler of every type.
const stub = createStub(options)
export const exported: AwsHandler = stub
export const exportedTyped: AwsHandler<S3Event, number> = stub
export const exportedHttp: APIGatewayProxyHandlerV2 = stub
export const exportedQueue: SQSHandler = stub
export const exportedOwn: Handler<S3Event, Promise<number>> = stub
export const exportedMiddy = middy(stub).use(injectLambdaContext(logger))
export const called: Promise<unknown> = stub({}, {} as Context)

// What may be left out may be undefined.
export const left: SessionOptions = {
  ...{ app: 'shop', stage: 'dev', transport: memory({ frameBytes: undefined }) },
  ...{ name: undefined, key: undefined, keys: undefined, store: undefined, connections: undefined },
}
export const executors = [
  workerThreads({
    inheritEnv: undefined,
    maxWorkers: undefined,
    resourceLimits: undefined,
    inspect: undefined,
  }),
  childProcesses({ graceMs: undefined, python: undefined, clock: undefined }),
]
export const next = session.next<S3Event>('api', {
  timeoutMs: undefined,
  where: undefined,
  signal: undefined,
})

// What is none is refused.
// @ts-expect-error a number is no target
session.functions.set('api', 7)
// @ts-expect-error an object that is no source and has no target
session.functions.set('api', { env: {} })
// @ts-expect-error variables are texts
session.functions.set('api', { target: bare, env: { PORT: 80 } })
// @ts-expect-error a handler has no fourth parameter
session.functions.set('api', (_event: S3Event, _context: Context, _callback: Callback, _more: number) => {})
// @ts-expect-error a stub is called with a context
stub({})
