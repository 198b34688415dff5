import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { defined } from '../../core/base/defined.js'
import { TetherError } from '../../core/base/errors.js'
import { type HttpListener, listen, readBody } from '../../network/listener.js'
import type { MessageAttribute } from '../message-attributes.js'
import type { LocalTopic, TopicMessage } from './topic.js'

// Three times the largest message, since form encoding expands it, plus room for the other fields.
const MAX_FORM_BYTES = 1024 * 1024
const NAMESPACE = 'http://sns.amazonaws.com/doc/2010-03-31/'

interface Reply {
  readonly status: number
  readonly xml: string
}

/**
 * Serves the `Publish` action of the SNS Query API, for `fetch` and for the AWS SDK with `AWS_ENDPOINT_URL_SNS`. Does
 * not check signatures; refuses requests with an `Origin`, which web pages send.
 */
export function snsEndpoint(topics: ReadonlyMap<string, LocalTopic>, host: string): Promise<HttpListener> {
  return listen(
    (request, response) => {
      void reply(request, topics).then(({ status, xml }) => {
        response.writeHead(status, { 'content-type': 'text/xml', 'content-length': Buffer.byteLength(xml) })
        response.end(xml)
      })
    },
    host,
    0,
  )
}

async function reply(request: IncomingMessage, topics: ReadonlyMap<string, LocalTopic>): Promise<Reply> {
  const body = await readBody(request, MAX_FORM_BYTES)
  if (body === undefined)
    return failure(413, 'RequestEntityTooLarge', `The form exceeds ${MAX_FORM_BYTES} bytes.`)
  if (request.headers.origin !== undefined) {
    return failure(403, 'AuthorizationError', 'Requests of web pages are not served.')
  }
  const query = new URL(request.url ?? '/', 'http://local').searchParams
  const form = new URLSearchParams(body.toString('utf8'))
  const field = (name: string) => form.get(name) ?? query.get(name) ?? undefined
  const action = field('Action')
  if (action !== 'Publish') {
    return failure(400, 'InvalidAction', `The action ${action ?? ''} is not served here; Publish is.`)
  }
  const topic = topics.get(field('TopicArn') ?? field('TargetArn') ?? '')
  if (topic === undefined) return failure(404, 'NotFound', 'Topic does not exist')
  try {
    const { messageId } = await topic.publish(readMessage(field))
    return success(messageId)
  } catch (error) {
    const known =
      error instanceof TetherError && (error.code === 'TOO_LARGE' || error.code === 'INVALID_OPTION')
    return known
      ? failure(400, 'InvalidParameter', error.message)
      : failure(500, 'InternalError', String(error))
  }
}

function readMessage(field: (name: string) => string | undefined): TopicMessage {
  const attributes: Record<string, MessageAttribute> = {}
  for (let index = 1; ; index += 1) {
    const entry = `MessageAttributes.entry.${index}`
    const name = field(`${entry}.Name`)
    if (name === undefined) break
    const type = field(`${entry}.Value.DataType`) ?? 'String'
    attributes[name] = {
      type,
      value: field(`${entry}.Value.StringValue`) ?? field(`${entry}.Value.BinaryValue`) ?? '',
    }
  }
  const subject = field('Subject')
  return defined({ message: field('Message') ?? '', attributes, subject })
}

function success(messageId: string): Reply {
  const result = `<PublishResult><MessageId>${messageId}</MessageId></PublishResult>`
  const metadata = `<ResponseMetadata><RequestId>${randomUUID()}</RequestId></ResponseMetadata>`
  return { status: 200, xml: `<PublishResponse xmlns="${NAMESPACE}">${result}${metadata}</PublishResponse>` }
}

function failure(status: number, code: string, message: string): Reply {
  const error = `<Error><Type>${status < 500 ? 'Sender' : 'Receiver'}</Type><Code>${code}</Code><Message>${escapeXml(message)}</Message></Error>`
  const xml = `<ErrorResponse xmlns="${NAMESPACE}">${error}<RequestId>${randomUUID()}</RequestId></ErrorResponse>`
  return { status, xml }
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
