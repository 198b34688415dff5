import { randomBytes } from 'node:crypto'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { SigningIdentity } from '../../aws/credentials.js'
import { parseQuery, splitOnce } from '../../aws/query.js'
import type { Clock } from '../../core/base/clock.js'
import { checkBody } from './body.js'
import type { S3Bucket } from './bucket.js'
import { S3Error } from './errors.js'
import { answerS3, type S3Action, type S3Reply } from './operations.js'
import { verifyS3Signature } from './signature.js'

/** AWS credentials that the S3 endpoint accepts. */
export interface LocalS3Identity extends SigningIdentity {
  /** The allowed actions. @default all */
  readonly actions?: readonly S3Action[] | undefined
}

/** The buckets that the endpoint serves, and the credentials it accepts. */
export interface S3EndpointOptions {
  readonly region: string
  readonly identities: readonly LocalS3Identity[]
  readonly buckets: Map<string, S3Bucket>
  readonly clock: Clock
  /** Largest PUT, in bytes. @default 5 GiB, S3's own */
  readonly maxObjectBytes?: number | undefined
}

const MAX_OBJECT_BYTES = 5 * 1024 ** 3
const MAX_KEY_BYTES = 1024

/** Serves buckets, with the bucket in the path: signatures, expiry, permissions and errors match S3's. */
export function s3Requests(options: S3EndpointOptions): RequestListener {
  return (request, response) => void serve(request, response, options)
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  options: S3EndpointOptions,
): Promise<void> {
  // By the injected clock: clients correct their own clock by this header.
  response.sendDate = false
  response.setHeader('date', new Date(options.clock.now()).toUTCString())
  const requestId = randomBytes(8).toString('hex').toUpperCase()
  response.setHeader('x-amz-request-id', requestId)
  try {
    send(request, response, await reply(request, options))
  } catch (error) {
    // The body ended early because the client has disconnected: an answer would not arrive.
    if (request.errored) return
    const refusal = error instanceof S3Error ? error : new S3Error('InternalError', String(error))
    // Read and discard the rest, so that the sender stays connected long enough to read the answer.
    request.on('error', () => {}).resume()
    const body = refusal.xml(splitOnce(request.url ?? '/', '?')[0] ?? '/', requestId)
    send(request, response, { status: refusal.status, headers: { 'content-type': 'application/xml' }, body })
  }
}

async function reply(request: IncomingMessage, options: S3EndpointOptions): Promise<S3Reply> {
  const { method = '', url = '/', headers } = request
  const { region, identities, buckets, clock, maxObjectBytes = MAX_OBJECT_BYTES } = options
  const signer = verifyS3Signature({ method, url, headers }, { region, identities, now: clock.now() })
  const [path = '', queryText = ''] = splitOnce(url, '?')
  const [bucketName = '', encodedKey = ''] = splitOnce(path.slice(1), '/')
  const key = decodeURIComponent(encodedKey)
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) throw new S3Error('KeyTooLongError')
  const bucket = buckets.get(decodeURIComponent(bucketName))
  if (signer === undefined) throw new S3Error(bucket ? 'AccessDenied' : 'NoSuchBucket')

  const { actions } = signer.identity
  const brings = method === 'PUT' || method === 'POST'
  const body = brings ? await readBody(request, maxObjectBytes) : new Uint8Array()
  checkBody(body, headers, signer.payloadHash)
  return answerS3(
    {
      method,
      bucketName: decodeURIComponent(bucketName),
      key,
      query: new Map(parseQuery(queryText)),
      headers,
      body,
      region,
      allows: (action) => actions === undefined || actions.includes(action),
    },
    buckets,
    clock,
  )
}

async function readBody(request: IncomingMessage, max: number): Promise<Uint8Array> {
  const declared = request.headers['content-length']
  if (declared === undefined) throw new S3Error('MissingContentLength')
  if (Number(declared) > max) {
    throw new S3Error('EntityTooLarge', `Your proposed upload of ${declared} bytes exceeds ${max}.`)
  }
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function send(
  { method }: IncomingMessage,
  response: ServerResponse,
  { status, headers = {}, body }: S3Reply,
): void {
  // A 204 has no length; a HEAD has the length of the GET's body.
  const length = status === 204 ? {} : { 'content-length': Buffer.byteLength(body ?? '') }
  response.writeHead(status, { ...length, ...headers })
  response.end(method === 'HEAD' ? undefined : body)
}
