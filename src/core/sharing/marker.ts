import { checkName } from '../contracts/transport.js'
import {
  attributesOf,
  type Carried,
  clientContextOf,
  httpRequest,
  type Invoked,
  recordsOf,
} from './carriers.js'

/** The header, cookie, attribute or client context key with a session's name as its value. */
const MARKER_NAME = 'x-tether-session'
const BAGGAGE = 'baggage'
/** Its key in W3C baggage, which tracing passes from service to service. https://www.w3.org/TR/baggage/ */
const BAGGAGE_KEY = 'tether-session'

/**
 * The member of a W3C `baggage` header that marks a request for a session: `tether-session=alice`.
 * @param name the session's name
 * @throws TetherError `INVALID_OPTION`
 */
export function marker(name: string): string {
  checkName('name', name)
  return `${BAGGAGE_KEY}=${encodeURIComponent(name)}`
}

/**
 * Whether an invocation carries a session's marker: in its HTTP request, in each record of its batch, or in its client
 * context.
 */
export function isMarked({ event, clientContext }: Invoked, session: string): boolean {
  const marks = (carried: readonly Carried[]) => carried.some((one) => isMark(one, session))
  if (marks(clientContextOf(clientContext))) return true
  const records = recordsOf(event)
  if (records !== undefined)
    return records.length > 0 && records.every((record) => marks(attributesOf(record)))
  const request = httpRequest(event)
  if (request === undefined) return false
  const { [BAGGAGE]: baggage = [], [MARKER_NAME]: named = [], cookie = [] } = request.header
  const cookies = cookie.map(
    (one): Carried => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)],
  )
  return (
    marks([
      ...baggage.map((text): Carried => [BAGGAGE, text]),
      ...named.map((text): Carried => [MARKER_NAME, text]),
    ]) || marks(cookies.filter(([name]) => name.toLowerCase() === MARKER_NAME))
  )
}

function isMark([name, text]: Carried, session: string): boolean {
  switch (name.toLowerCase()) {
    case MARKER_NAME:
      return decoded(text.trim()) === session || text.trim() === session
    case BAGGAGE:
      return text.split(',').some((member) => isMember(member, session))
    default:
      return false
  }
}

/** `key = value ; properties` */
function isMember(member: string, session: string): boolean {
  const [pair = ''] = member.split(';')
  const at = pair.indexOf('=')
  return at > 0 && pair.slice(0, at).trim() === BAGGAGE_KEY && decoded(pair.slice(at + 1).trim()) === session
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
