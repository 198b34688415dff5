import { STATUS_CODES } from 'node:http'
import { checkOptions, mustBe } from '../../core/base/options.js'
import { isHttpEvent } from '../../core/contracts/http-event.js'
import type { InvocationRecord } from '../record.js'
import { dataOf, type RecordData } from '../record-data.js'
import { redactRecord } from '../redact/redact-record.js'
import { numberedMarks, type RedactOptions, RuleBook, redactChecks } from '../redact/rules.js'
import { checkRecord } from './fixture.js'
import { answerOf, type HttpBody, type HttpResponse, requestOf } from './http-exchange.js'

/** Additional secrets to redact. */
export interface HarOptions extends RedactOptions {}

const CREATOR = { name: 'lambda-tether', version: '1' }
const UNKNOWN = -1

/**
 * Converts the HTTP requests among records to an HTTP archive (HAR 1.2), which browsers and proxies open. Skips other
 * records. Secrets are redacted, each by number. `_tether` holds the data that HAR has no field for: the ids, the
 * trigger, the error, the logs.
 * @returns an object to be written as JSON
 * @throws TetherError `INVALID_OPTION`
 */
export function toHar(records: Iterable<InvocationRecord>, options: HarOptions = {}): object {
  mustBe('a list of records', typeof Object(records)[Symbol.iterator] === 'function', 'records', records)
  const book = new RuleBook(checkOptions<HarOptions>('toHar', options, redactChecks))
  const mark = numberedMarks()
  const entries = [...records].flatMap((record, index) => {
    checkRecord(record, `records[${index}]`)
    const data = dataOf(record, redactRecord(record, book.rulesFor(record, mark)))
    return isHttpEvent(data.event) ? [entryOf(data)] : []
  })
  return { log: { version: '1.2', creator: CREATOR, entries } }
}

function entryOf(data: RecordData): object {
  const { timing, at, outcome } = data
  const { method, url, httpVersion, headers, cookies, query, body } = requestOf(data.event)
  const answer = answerTo(data)
  const time = timing.endedMs === undefined ? 0 : timing.endedMs - timing.receivedMs
  return {
    startedDateTime: at,
    time,
    request: {
      method,
      url,
      httpVersion,
      cookies,
      headers,
      queryString: query,
      headersSize: UNKNOWN,
      bodySize: sizeOf(body),
      // HAR has no encoding for request bodies: use a custom field, as Firefox does.
      ...(body && {
        postData: { mimeType: body.type, text: body.text, ...(body.isBase64 && { _encoding: 'base64' }) },
      }),
    },
    response: {
      status: answer.status,
      statusText: STATUS_CODES[answer.status] ?? '',
      httpVersion,
      cookies: answer.cookies,
      headers: answer.headers,
      content: {
        size: sizeOf(answer.body),
        mimeType: answer.body?.type ?? '',
        ...(answer.body && { text: answer.body.text, ...(answer.body.isBase64 && { encoding: 'base64' }) }),
      },
      redirectURL: answer.headers.find(({ name }) => name.toLowerCase() === 'location')?.value ?? '',
      headersSize: UNKNOWN,
      bodySize: sizeOf(answer.body),
    },
    cache: {},
    timings: { send: 0, wait: time, receive: 0 },
    _tether: {
      id: data.id,
      functionId: data.functionId,
      environmentId: data.environmentId,
      requestId: data.context.awsRequestId,
      trigger: data.trigger,
      rerun: data.rerun,
      replayed: data.replayed,
      redacted: data.redacted,
      ...(outcome?.kind === 'error' && { error: outcome.error }),
      logs: data.logs,
    },
  }
}

/** Returns the response as the caller saw it, or status 0, which browsers write for an unanswered request. */
function answerTo({ outcome, trigger }: RecordData): HttpResponse {
  if (outcome?.kind === 'value') return answerOf(outcome.value)
  // An HTTP API answers a failed function with 500, all others with 502.
  const status = outcome === undefined ? 0 : trigger === 'apigw-http' ? 500 : 502
  return { status, headers: [], cookies: [] }
}

function sizeOf(body: HttpBody | undefined): number {
  return body === undefined ? 0 : Buffer.byteLength(body.text, body.isBase64 ? 'base64' : 'utf8')
}
