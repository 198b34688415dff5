import type { IncomingMessage, ServerResponse } from 'node:http'
import type { InvocationRecord } from '../../recorder/record.js'
import { HttpProblem } from '../server/http-problem.js'
import { pageFile } from '../server/page.js'
import { readJson } from '../server/request-body.js'
import { attachment, type HttpReply, json } from '../server/respond.js'
import type { Route } from '../server/server.js'
import { detailOf } from './detail.js'
import { listInvocations, listQuery } from './list.js'
import type { InspectorParts } from './parts.js'

interface Call {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly url: URL
  /** The parts of the path that a route names. */
  readonly names: readonly string[]
}

type Handler = (parts: InspectorParts, call: Call) => Promise<HttpReply | undefined> | HttpReply | undefined

const ROUTES: readonly (readonly ['GET' | 'POST', RegExp, Handler])[] = [
  ['GET', /^\/(?:app\.js|app\.css|i\/[\w-]{1,100})?$/, (_, { url }) => pageFile(url.pathname)],
  ['GET', /^\/api\/status$/, ({ status }) => json(status())],
  [
    'GET',
    /^\/api\/invocations$/,
    async (parts, { url }) => json(await listInvocations(parts, listQuery(parts.feed, url.searchParams))),
  ],
  [
    'GET',
    /^\/api\/invocations\/([\w-]+)$/,
    (parts, { url, names: [id] }) =>
      json(detailOf(recordOf(parts.feed, id), parts, url.searchParams.get('reveal') === '1')),
  ],
  [
    'GET',
    /^\/api\/invocations\/([\w-]+)\/event$/,
    ({ feed, redactor }, { names: [id] }) => {
      const { event, eventBase64, redacted } = redactor.disclosed(recordOf(feed, id))
      const asItCame = !redacted.some((pointer) => pointer.startsWith('/event'))
      const body = asItCame
        ? recordOf(feed, id).eventBytes
        : eventBase64 === undefined
          ? JSON.stringify(event)
          : Buffer.from(eventBase64, 'base64')
      return attachment(`event-${id}.json`, body, 'application/octet-stream')
    },
  ],
  [
    'GET',
    /^\/api\/invocations\/([\w-]+)\/fixture$/,
    ({ feed, redactor }, { names: [id] }) => {
      const fixture = redactor.fixture(recordOf(feed, id))
      if (fixture === undefined)
        throw new HttpProblem('NOT_FOUND', "The host's own redaction leaves this invocation out.")
      return attachment(
        `fixture-${id}.json`,
        `${JSON.stringify(fixture.event, null, 2)}\n`,
        'application/json',
      )
    },
  ],
  [
    'POST',
    /^\/api\/invocations\/([\w-]+)\/replay$/,
    async ({ feed, replay }, { request, names: [id] }) =>
      json(await replay(recordOf(feed, id), await readJson(request))),
  ],
  [
    'POST',
    /^\/api\/functions\/([^/]+)\/reload$/,
    async ({ session, status }, { names: [functionId = ''] }) => {
      await session.reload(functionId)
      return json(status().functions.find((each) => each.functionId === functionId))
    },
  ],
  ['POST', /^\/api\/diagnose$/, async ({ diagnose }) => json(await diagnose())],
  [
    'GET',
    /^\/api\/stream$/,
    ({ stream }, { request, response }) =>
      stream.connect(response, request.headers['last-event-id'] as string | undefined),
  ],
  ['POST', /^\/mcp$/, ({ mcp }, { request, response }) => mcp(request, response)],
]

/** Routes the requests that the inspector's guard has admitted. */
export function routesOf(parts: InspectorParts): Route {
  return (request, response, url) => {
    const method = request.method === 'HEAD' ? 'GET' : request.method
    const found = ROUTES.filter(([, path]) => path.test(url.pathname))
    const [, path, handler] = found.find(([allowed]) => allowed === method) ?? []
    if (path === undefined || handler === undefined)
      throw found.length === 0
        ? new HttpProblem('NOT_FOUND', `There is no ${url.pathname}.`)
        : new HttpProblem('METHOD_NOT_ALLOWED', `${url.pathname} takes ${found[0]![0]}.`)
    const names = (path.exec(url.pathname) ?? []).slice(1).map(decoded)
    return handler(parts, { request, response, url, names })
  }
}

function recordOf(feed: InspectorParts['feed'], id = ''): InvocationRecord {
  const record = feed.get(id)
  if (record !== undefined) return record
  throw new HttpProblem('NOT_FOUND', `There is no invocation ${id}: the history has only the latest.`)
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new HttpProblem('BAD_REQUEST', 'The address is not well formed.')
  }
}
