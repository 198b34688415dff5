import type { InvocationRecord } from '../../recorder/record.js'
import type { Redactor } from '../../recorder/redact/redactor.js'
import { HttpProblem } from '../server/http-problem.js'
import { cursorOf, numberOfCursor } from '../view/cursor.js'
import type { Feed } from '../view/feed.js'
import type { InvocationHead } from '../view/head.js'
import { Turns } from '../view/turns.js'
import type { InspectorParts } from './parts.js'

/** Selects invocations. */
export interface ListQuery {
  readonly limit: number
  /** Only invocations before this number. */
  readonly before?: number | undefined
  /** Only invocations after this number. */
  readonly after?: number | undefined
  readonly functionId?: string | undefined
  readonly outcome?: InvocationHead['state'] | undefined
  readonly minDurationMs?: number | undefined
  readonly mirrored?: boolean | undefined
  readonly replayed?: boolean | undefined
  /** Text in the title, the event, the output or the error; case is ignored. */
  readonly q?: string | undefined
}

export interface InvocationList {
  readonly invocations: readonly InvocationHead[]
  /** The cursor for the next page, with older invocations. */
  readonly cursor: string
  readonly more: boolean
}

const MAX_LIMIT = 500
const DEFAULT_LIMIT = 100
const OUTCOMES = ['running', 'value', 'error', 'declined']
/** Bytes of events to parse and search before the session gets its turn. */
const TURN_BYTES = 2 * 1024 * 1024

/** Lists invocations, newest first. */
export async function listInvocations(
  { feed, heads, redactor }: Pick<InspectorParts, 'feed' | 'heads' | 'redactor'>,
  query: ListQuery,
): Promise<InvocationList> {
  const invocations: InvocationHead[] = []
  let next = query.before ?? feed.last + 1
  const turns = new Turns(TURN_BYTES)
  for (const { number, record } of feed.newest(query.before)) {
    if (number <= (query.after ?? 0)) break
    if (invocations.length === query.limit)
      return { invocations, cursor: cursorOf(feed.start, next), more: true }
    next = number
    if (fits(record, query)) {
      const head = heads.of(record)
      if (query.q === undefined || holds(record, head, query.q, redactor)) invocations.push(head)
    }
    await turns.after(record.eventBytes.length)
  }
  return { invocations, cursor: cursorOf(feed.start, next), more: false }
}

/** Reads the query of a list request. @throws HttpProblem for an invalid value */
export function listQuery(feed: Feed, params: URLSearchParams): ListQuery {
  const outcome = params.get('outcome') ?? undefined
  if (outcome !== undefined && !OUTCOMES.includes(outcome)) throw wrong('outcome', OUTCOMES.join(', '))
  const minDurationMs = numberOf(params, 'minDurationMs')
  const limit = numberOf(params, 'limit') ?? DEFAULT_LIMIT
  if (limit < 1 || limit > MAX_LIMIT || !Number.isInteger(limit)) throw wrong('limit', `1 to ${MAX_LIMIT}`)
  const functionId = params.get('functionId') || undefined
  const q = params.get('q')?.toLowerCase() || undefined
  const before = numberOfCursor(feed.start, params.get('cursor'))
  const [mirrored, replayed] = [flagOf(params, 'mirrored'), flagOf(params, 'replayed')]
  return {
    limit,
    before,
    functionId,
    outcome: outcome as ListQuery['outcome'],
    minDurationMs,
    mirrored,
    replayed,
    q,
  }
}

function fits(record: InvocationRecord, query: ListQuery): boolean {
  const { functionId, outcome, minDurationMs, mirrored, replayed } = query
  const { receivedMs, endedMs = receivedMs } = record.timing
  return (
    (functionId === undefined || record.functionId === functionId) &&
    (outcome === undefined || (record.outcome?.kind ?? 'running') === outcome) &&
    (minDurationMs === undefined || endedMs - receivedMs >= minDurationMs) &&
    (mirrored === undefined || (record.mirrored !== false) === mirrored) &&
    (replayed === undefined || record.replayed === replayed)
  )
}

function holds(record: InvocationRecord, head: InvocationHead, q: string, redactor: Redactor): boolean {
  const { eventBytes, outcome, logs } = record
  const has = (text: string) => text.toLowerCase().includes(q)
  if (has(head.title) || has(head.id) || has(head.requestId)) return true
  const bytes = Buffer.from(eventBytes.buffer, eventBytes.byteOffset, eventBytes.length)
  const found =
    (outcome?.kind === 'error' && has(`${outcome.error.errorType}: ${outcome.error.errorMessage}`)) ||
    has(bytes.toString('utf8')) ||
    logs.some(({ text }) => has(text))
  if (!found) return false
  // Hidden text never matches: a client could guess it letter by letter.
  const shown = redactor.disclosed(record)
  return shown.redacted.length === 0 || has(JSON.stringify([shown.event, shown.outcome, shown.logs]))
}

function numberOf(params: URLSearchParams, name: string): number | undefined {
  const text = params.get(name)
  if (text === null || text === '') return undefined
  const number = Number(text)
  if (Number.isFinite(number)) return number
  throw wrong(name, 'a number')
}

function flagOf(params: URLSearchParams, name: string): boolean | undefined {
  const text = params.get(name)
  if (text === null || text === '') return undefined
  if (text === 'true' || text === 'false') return text === 'true'
  throw wrong(name, 'true or false')
}

function wrong(name: string, right: string): HttpProblem {
  return new HttpProblem('BAD_REQUEST', `'${name}' must be ${right}.`)
}
