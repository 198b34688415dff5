import { randomUUID } from 'node:crypto'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { SigningIdentity } from '../../aws/credentials.js'
import { verifyAuthorization } from '../../aws/verify-headers.js'
import { type Clock, systemClock } from '../../core/base/clock.js'
import { readBody } from '../../network/listener.js'
import { SqsError } from './errors.js'
import type { Input } from './input.js'
import { answerSqs } from './operations.js'
import type { Queues } from './queues.js'

/** The queues that the SQS API serves, and the credentials it accepts. */
export interface SqsEndpointOptions {
  readonly region: string
  readonly identities: readonly SigningIdentity[]
  readonly queues: Queues
  readonly clock: Clock
}

// Six times the largest batch, since JSON escapes a control character to six characters, plus room for the rest.
const MAX_REQUEST_BYTES = 7 * 1024 * 1024
const TARGET = 'AmazonSQS.'

/** Answers requests in SQS's JSON protocol; checks signatures. */
export function sqsRequests(options: SqsEndpointOptions): RequestListener {
  return (request, response) => void serve(request, response, options)
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  options: SqsEndpointOptions,
): Promise<void> {
  // By the injected clock: clients correct their own clock by this header.
  response.sendDate = false
  response.setHeader('date', new Date(options.clock.now()).toUTCString())
  response.setHeader('x-amzn-requestid', randomUUID())
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  try {
    send(response, 200, await reply(request, gone.signal, options))
  } catch (error) {
    const refusal = error instanceof SqsError ? error : new SqsError('InternalError', String(error), 500)
    const { name, message, status, queryCode, fault } = refusal
    response.setHeader('x-amzn-query-error', `${queryCode};${fault}`)
    send(response, status, { __type: `com.amazonaws.sqs#${name}`, message })
  }
}

async function reply(
  request: IncomingMessage,
  signal: AbortSignal,
  { region, identities, queues, clock }: SqsEndpointOptions,
): Promise<object> {
  const { method = '', url = '/', headers } = request
  const body = await readBody(request, MAX_REQUEST_BYTES)
  if (body === undefined)
    throw new SqsError('RequestEntityTooLarge', `The request exceeds ${MAX_REQUEST_BYTES} bytes.`, 413)
  // A test's clock may differ widely from the clock of the signing process.
  const times = [clock.now(), systemClock.now()]
  const signer = verifyAuthorization(
    { method, url, headers, body },
    { region, service: 'sqs', identities, times },
  )
  if ('fault' in signer) throw new SqsError(signer.fault.type, signer.fault.message, 403)
  const target = String(headers['x-amz-target'] ?? '')
  if (!target.startsWith(TARGET)) {
    const advice = 'The local SQS endpoint speaks the JSON protocol, which AWS SDKs do since 2023.'
    throw new SqsError('InvalidAction', advice)
  }
  const { accessKeyId: senderId } = signer.identity
  return answerSqs({ operation: target.slice(TARGET.length), input: inputOf(body), senderId, signal }, queues)
}

function inputOf(body: Buffer): Input {
  try {
    const input: unknown = JSON.parse(body.toString('utf8'))
    if (typeof input === 'object' && input !== null) return input as Input
  } catch {}
  throw new SqsError('SerializationException', 'The request is no JSON object.')
}

function send(response: ServerResponse, status: number, answer: object): void {
  const json = JSON.stringify(answer)
  response.writeHead(status, {
    'content-type': 'application/x-amz-json-1.0',
    'content-length': Buffer.byteLength(json),
  })
  response.end(json)
}
