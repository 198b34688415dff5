import { randomUUID } from 'node:crypto'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { SigningIdentity } from '../../aws/credentials.js'
import { verifyAuthorization } from '../../aws/verify-headers.js'
import type { Clock } from '../../core/base/clock.js'
import { readBody } from '../http/listener.js'
import { escapeXml } from '../s3/xml.js'
import { ControlPlaneError } from './errors.js'
import { type ControlPlaneGate, CutConnection } from './gate.js'
import { answerIam, type RolePolicies } from './iam-policies.js'
import { IamRoles } from './iam-roles.js'

/** What the IAM API serves, and to whom. */
export interface IamApiOptions {
  readonly region: string
  readonly identities: readonly SigningIdentity[]
  readonly gate: ControlPlaneGate
  readonly clock: Clock
  readonly accountId: string
  /** The names of the roles that functions have. */
  roles(): ReadonlySet<string>
}

const MAX_FORM_BYTES = 1024 * 1024
const NAMESPACE = 'https://iam.amazonaws.com/doc/2010-05-08/'

/** Serves IAM's operations on roles and their inline policies. */
export function iamApi(options: IamApiOptions): RequestListener {
  const { accountId, region, clock, roles } = options
  const state = { roles: new IamRoles(accountId, region, clock, roles), policies: new Map() }
  return (request, response) => void serve(request, response, options, state)
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  options: IamApiOptions,
  state: RolePolicies,
): Promise<void> {
  response.sendDate = false
  response.setHeader('date', new Date(options.clock.now()).toUTCString())
  const metadata = `<RequestId>${randomUUID()}</RequestId>`
  try {
    const { action, result } = await reply(request, options, state)
    send(
      response,
      200,
      `<${action}Response xmlns="${NAMESPACE}">${result === undefined ? '' : `<${action}Result>${result}</${action}Result>`}<ResponseMetadata>${metadata}</ResponseMetadata></${action}Response>`,
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
      `<ErrorResponse xmlns="${NAMESPACE}"><Error><Type>${type}</Type><Code>${escapeXml(name)}</Code><Message>${escapeXml(message)}</Message></Error>${metadata}</ErrorResponse>`,
    )
  }
}

async function reply(
  request: IncomingMessage,
  { identities, region, gate, clock }: IamApiOptions,
  state: RolePolicies,
): Promise<{ action: string; result: string | undefined }> {
  const { method = '', url = '/', headers } = request
  const body = await readBody(request, MAX_FORM_BYTES)
  if (body === undefined) {
    throw new ControlPlaneError('ValidationError', `The form exceeds ${MAX_FORM_BYTES} bytes.`)
  }
  // IAM is one for all regions and signed for us-east-1; a client with an endpoint of its own signs for its region.
  const scopes = new Set(['us-east-1', region])
  // A test's clock may be far from that of the process that signs.
  const times = [clock.now(), Date.now()]
  const results = [...scopes].map((scope) =>
    verifyAuthorization({ method, url, headers, body }, { region: scope, service: 'iam', identities, times }),
  )
  const [first] = results
  if (first !== undefined && 'fault' in first && results.every((result) => 'fault' in result)) {
    throw new ControlPlaneError(first.fault.type, first.fault.message)
  }
  const form = new URLSearchParams(body.toString('utf8'))
  const action = form.get('Action') ?? ''
  const resource = form.get('RoleName') ?? ''
  const changes = /^(Create|Put|Delete)/.test(action)
  const result = await gate.pass({ service: 'iam', operation: action, resource, changes }, () =>
    answerIam(action, form, state),
  )
  return { action, result }
}

function send(response: ServerResponse, status: number, xml: string): void {
  response.writeHead(status, { 'content-type': 'text/xml', 'content-length': Buffer.byteLength(xml) })
  response.end(xml)
}
