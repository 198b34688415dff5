import { randomUUID } from 'node:crypto'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { SigningIdentity } from '../../aws/credentials.js'
import { verifyAuthorization } from '../../aws/verify-headers.js'
import type { Clock } from '../../core/base/clock.js'
import { readBody } from '../../network/listener.js'
import { escapeXml } from '../s3/xml.js'
import { ControlPlaneError } from './errors.js'
import { type ControlPlaneGate, CutConnection } from './gate.js'

/** An AWS service with form requests and XML answers. */
export interface XmlService {
  readonly service: 'iam' | 'sts' | 'cloudformation'
  readonly namespace: string
  /** Regions for which requests may be signed. */
  readonly regions: readonly string[]
  readonly identities: readonly SigningIdentity[]
  readonly gate: ControlPlaneGate
  readonly clock: Clock
  /** Carries out an operation; returns its result as XML, if it has one. @throws ControlPlaneError */
  answer(action: string, form: URLSearchParams): string | undefined
}

// Error names in these services: https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
const FAULTS = {
  MissingAuthenticationTokenException: 'MissingAuthenticationToken',
  IncompleteSignatureException: 'IncompleteSignature',
  UnrecognizedClientException: 'InvalidClientTokenId',
  InvalidSignatureException: 'SignatureDoesNotMatch',
} as const
const MAX_FORM_BYTES = 1024 * 1024

/** Serves a service: checks signatures, and formats errors as AWS does. */
export function xmlService(service: XmlService): RequestListener {
  return (request, response) => void serve(request, response, service)
}

async function serve(request: IncomingMessage, response: ServerResponse, service: XmlService): Promise<void> {
  const { namespace } = service
  response.sendDate = false
  response.setHeader('date', new Date(service.clock.now()).toUTCString())
  const metadata = `<RequestId>${randomUUID()}</RequestId>`
  try {
    const { action, result } = await reply(request, service)
    send(
      response,
      200,
      `<${action}Response xmlns="${namespace}">${result === undefined ? '' : `<${action}Result>${result}</${action}Result>`}<ResponseMetadata>${metadata}</ResponseMetadata></${action}Response>`,
    )
  } catch (error) {
    if (error instanceof CutConnection) {
      request.socket.destroy()
      return
    }
    const { name, message, status } =
      error instanceof ControlPlaneError ? error : new ControlPlaneError('ServiceFailure', String(error))
    const type = status < 500 ? 'Sender' : 'Receiver'
    send(
      response,
      status,
      `<ErrorResponse xmlns="${namespace}"><Error><Type>${type}</Type><Code>${escapeXml(name)}</Code><Message>${escapeXml(message)}</Message></Error>${metadata}</ErrorResponse>`,
    )
  }
}

async function reply(
  request: IncomingMessage,
  { service, identities, regions, gate, clock, answer }: XmlService,
): Promise<{ action: string; result: string | undefined }> {
  const { method = '', url = '/', headers } = request
  const body = await readBody(request, MAX_FORM_BYTES)
  if (body === undefined) {
    throw new ControlPlaneError('ValidationError', `The form exceeds ${MAX_FORM_BYTES} bytes.`)
  }
  // A test's clock may differ widely from the clock of the signing process.
  const times = [clock.now(), Date.now()]
  const results = regions.map((region) =>
    verifyAuthorization({ method, url, headers, body }, { region, service, identities, times }),
  )
  const [first] = results
  if (first !== undefined && 'fault' in first && results.every((result) => 'fault' in result)) {
    throw new ControlPlaneError(FAULTS[first.fault.type], first.fault.message)
  }
  const form = new URLSearchParams(body.toString('utf8'))
  const action = form.get('Action') ?? ''
  const resource = form.get('RoleName') ?? form.get('StackName') ?? ''
  const changes = /^(Create|Update|Put|Delete)/.test(action)
  const result = await gate.pass({ service, operation: action, resource, changes }, () =>
    answer(action, form),
  )
  return { action, result }
}

function send(response: ServerResponse, status: number, xml: string): void {
  response.writeHead(status, { 'content-type': 'text/xml', 'content-length': Buffer.byteLength(xml) })
  response.end(xml)
}
