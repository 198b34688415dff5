import { randomUUID } from 'node:crypto'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { SigningIdentity } from '../../../aws/credentials.js'
import { parseQuery, splitOnce } from '../../../aws/query.js'
import { verifyAuthorization } from '../../../aws/verify-headers.js'
import type { Clock } from '../../../core/base/clock.js'
import { readBody, sendStream } from '../../../network/listener.js'
import type { FunctionDefinition } from '../../lambda/function-definition.js'
import type { S3Bucket } from '../../s3/bucket.js'
import { ControlPlaneError, lambdaErrorDocument } from '../errors.js'
import { type ControlPlaneGate, type ControlPlaneOptions, CutConnection } from '../gate.js'
import { UnpackedZips } from './code.js'
import { Downloads } from './downloads.js'
import { FunctionOperations } from './functions.js'
import { LambdaLayers } from './layers.js'
import { answerLambda, type LambdaParts, type LambdaReply } from './operations.js'
import { type FunctionHost, FunctionRegistry } from './registry.js'
import { lambdaRoute } from './routes.js'
import type { AdoptedUrl } from './urls.js'

/** Options of the Lambda API: its surroundings, faults, and the credentials it accepts. */
export interface LambdaApiOptions {
  /** URL of the API, for links to code. */
  readonly url: string
  readonly region: string
  readonly accountId: string
  readonly identities: readonly SigningIdentity[]
  readonly gate: ControlPlaneGate
  readonly updateMs: number
  readonly failUpdate: ControlPlaneOptions['failUpdate']
  readonly staleReads: number
  readonly deniedKeys: readonly string[]
  readonly buckets: ReadonlyMap<string, S3Bucket>
  readonly clock: Clock
  /** Returns the host of the functions; called on every use. */
  functionHost(): FunctionHost
}

/** Lambda's API. */
export interface LambdaApi {
  readonly listener: RequestListener
  readonly functions: FunctionOperations
  readonly registry: FunctionRegistry
  /** Registers a function of the host. */
  adopt(definition: FunctionDefinition): void
  /** Registers the URL of a function. */
  adoptUrl(url: AdoptedUrl): void
  /** Returns the names of all functions' roles. */
  roles(): ReadonlySet<string>
  /** Aborts updates in progress and removes unpacked code. */
  close(): void
}

// Lambda's limit for a request; a 50 MB zip in base64 is below it.
const MAX_REQUEST_BYTES = 70_167_211
const CHANGING = /^(Create|Update|Delete|Publish|Put|Tag|Untag)/

/** Serves the part of Lambda's API needed for deployments: signatures, states, limits and errors match Lambda's. */
export function lambdaApi(options: LambdaApiOptions): LambdaApi {
  const {
    url,
    region,
    accountId,
    clock,
    functionHost,
    buckets,
    updateMs,
    failUpdate,
    staleReads,
    deniedKeys,
  } = options
  const layers = new LambdaLayers(region, accountId, clock)
  const unpacked = new UnpackedZips()
  const registry = new FunctionRegistry({ region, accountId, clock, host: functionHost, layers, unpacked })
  const downloads = new Downloads(clock)
  const link = (zip: Uint8Array) => url + downloads.link(zip)
  const functions = new FunctionOperations({
    registry,
    layers,
    buckets,
    clock,
    updateMs,
    failUpdate,
    staleReads,
    deniedKeys,
    host: functionHost,
    link,
  })
  const parts: LambdaParts = { functions, registry, layers, host: functionHost, link }
  return {
    listener: (request, response) => void serve(request, response, options, parts, downloads),
    functions,
    registry,
    adopt: (definition) => registry.adopt(definition),
    adoptUrl: (url) => registry.adoptUrl(url),
    roles: () =>
      new Set(registry.all().map(({ configuration }) => configuration.Role?.split('/').at(-1) ?? '')),
    close: () => {
      registry.dispose()
      unpacked.remove()
    },
  }
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  options: LambdaApiOptions,
  parts: LambdaParts,
  downloads: Downloads,
): Promise<void> {
  const { method = '', url = '/' } = request
  // By the injected clock: clients correct their own clock by this header.
  response.sendDate = false
  response.setHeader('date', new Date(options.clock.now()).toUTCString())
  response.setHeader('x-amzn-requestid', randomUUID())
  if (method === 'GET' && url.startsWith('/snapshots/')) {
    const zip = downloads.zip(url)
    if (zip !== undefined)
      await send(response, { status: 200, headers: { 'content-type': 'application/zip' }, body: zip })
    else
      response
        .writeHead(403)
        .end('<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>')
    return
  }
  try {
    await send(response, await reply(request, options, parts))
  } catch (error) {
    if (error instanceof CutConnection) {
      request.socket.destroy()
      return
    }
    sendError(response, error)
  }
}

async function reply(
  request: IncomingMessage,
  { gate, identities, region, clock }: LambdaApiOptions,
  parts: LambdaParts,
): Promise<LambdaReply> {
  const { method = '', url = '/', headers } = request
  const body = await readBody(request, MAX_REQUEST_BYTES)
  const [path = '', queryText = ''] = splitOnce(url, '?')
  const route = lambdaRoute(method, path)
  if (body === undefined) {
    const limit = `Request must be smaller than ${MAX_REQUEST_BYTES} bytes for the ${route?.operation} operation`
    throw new ControlPlaneError('RequestEntityTooLargeException', limit)
  }
  // A test's clock may differ widely from the clock of the signing process.
  const times = [clock.now(), Date.now()]
  const signer = verifyAuthorization(
    { method, url, headers, body },
    { region, service: 'lambda', identities, times },
  )
  if ('fault' in signer) throw new ControlPlaneError(signer.fault.type, signer.fault.message)
  if (route === undefined) {
    throw new ControlPlaneError('NotImplemented', `The local Lambda API does not serve ${method} ${path}.`)
  }
  const { operation, params } = route
  const { FunctionName, LayerName, Resource } = params
  const resource = FunctionName ?? LayerName ?? Resource ?? nameIn(body)
  const query = parseQuery(queryText) ?? []
  return gate.pass({ service: 'lambda', operation, resource, changes: CHANGING.test(operation) }, () =>
    answerLambda({ operation, params, query, headers, body }, parts),
  )
}

/** Reads the function's name from the body of CreateFunction, the only call with the name there. */
function nameIn(body: Buffer): string {
  return /"FunctionName":"([^"]*)"/.exec(body.toString('latin1'))?.[1] ?? ''
}

async function send(response: ServerResponse, reply: LambdaReply): Promise<void> {
  if ('body' in reply) {
    const { status, headers, body } = reply
    const whole = body instanceof Uint8Array && status !== 204
    response.writeHead(status, { ...(whole && { 'content-length': body.byteLength }), ...headers })
    if (body instanceof Uint8Array) response.end(body)
    else await sendStream(response, body)
    return
  }
  const json = 'json' in reply && reply.json !== undefined ? JSON.stringify(reply.json) : ''
  const type = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) }
  response.writeHead(reply.status, reply.status === 204 ? {} : type)
  response.end(json)
}

function sendError(response: ServerResponse, error: unknown): void {
  const refusal =
    error instanceof ControlPlaneError ? error : new ControlPlaneError('ServiceException', String(error))
  const json = JSON.stringify(lambdaErrorDocument(refusal))
  response.writeHead(refusal.status, {
    'content-type': 'application/json',
    'x-amzn-errortype': refusal.name,
    'content-length': Buffer.byteLength(json),
  })
  response.end(json)
}
