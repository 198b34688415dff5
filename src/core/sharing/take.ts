import { TetherError } from '../base/errors.js'
import { checkText, listOf } from '../base/option-checks.js'
import { type Check, invalidOption, isObject, mustBe, optionsOf } from '../base/options.js'
import { checkName, type Transport } from '../contracts/transport.js'
import { compilePattern, type EventPattern, type PatternValue } from '../pattern/event-pattern.js'

/**
 * The invocations that a session takes. All given conditions must hold. Sent to the stubs, which decide, in the
 * session's signed presence: at most 4,000 bytes of JSON, readable by holders of the stage's keys, so no place for
 * secrets.
 */
export interface Take {
  /**
   * Ids of functions, with `*` for any characters: `['api', 'report-*']`.
   * @default all that are addressed to the session
   */
  readonly functions?: readonly string[] | undefined
  /**
   * An event pattern of Amazon EventBridge, applied to the event as the function gets it. In an event with `Records` it
   * is applied to each record alone, and a batch is taken if all of them match.
   */
  readonly event?: EventPattern | undefined
  /** For HTTP-shaped events: REST and HTTP APIs, function URLs, load balancers. No other event matches. */
  readonly http?: TakeHttp | undefined
  /**
   * The session's name as written by {@link marker}, or any other mark: in W3C `baggage` (`tether-session=alice`), or
   * as `x-tether-session` in a header, a cookie, the client context, or the message attributes of each record of SQS or
   * SNS.
   */
  readonly marker?: string | undefined
}

/** Conditions on an HTTP request. Each is a list of values and operators, as in an event pattern. */
export interface TakeHttp {
  readonly method?: readonly PatternValue[] | undefined
  /** The path in the event: `[{ wildcard: '/orders/*' }]`. */
  readonly path?: readonly PatternValue[] | undefined
  /** By name, in any case. A repeated header matches with one of its values; each cookie is a value of `cookie`. */
  readonly header?: Readonly<Record<string, readonly PatternValue[]>> | undefined
}

/** The most that a card may add to a presence frame, so that both are one unit of a broker. */
const MAX_TAKE_BYTES = 4_000
/**
 * The size of a presence frame without its card: header and tag, the sections' table, the signature, and the session's
 * own fields.
 */
const PRESENCE_BYTES = 400

const checkHttp: Check = (name, value) => {
  optionsOf<TakeHttp>({ method: anything, path: anything, header: anything })(name, value)
  compilePattern(name, httpPattern(value as TakeHttp))
}

/** Checks the option `take`. @throws TetherError `INVALID_OPTION`, `TOO_LARGE` */
export const checkTake: Check = (name, value) => {
  optionsOf<Take>({
    functions: listOf('a list of function ids, with * for any characters', checkText),
    event: compilePattern,
    http: checkHttp,
    marker: checkName,
  })(name, value)
  const { functions, event, http, marker } = value as Take
  if ([functions, event, http, marker].every((one) => one === undefined))
    throw invalidOption(name, 'is empty, which would take nothing: leave it out to take all')
  if (functions?.length === 0)
    throw invalidOption(`${name}.functions`, 'is an empty list, which would take nothing')
  checkBytes(name, value, MAX_TAKE_BYTES, 'fit a card. Use shorter patterns, such as wildcards.')
}

/**
 * Checks that a card fits one frame of a transport.
 * @param take undefined for a session that takes all
 * @throws TetherError `TOO_LARGE`
 */
export function checkCard(take: Take | undefined, { limits }: Pick<Transport, 'limits'>): void {
  if (take === undefined) return
  const advice = `fit a card in a frame of ${limits.frameBytes} bytes. Use shorter patterns, or a larger 'frameBytes'.`
  checkBytes('take', take, limits.frameBytes - PRESENCE_BYTES, advice)
}

function checkBytes(name: string, take: unknown, limit: number, what: string): void {
  const bytes = Buffer.byteLength(JSON.stringify(take))
  if (bytes <= limit) return
  const text = `'${name}' has ${bytes} bytes of JSON; at most ${limit} ${what}`
  throw new TetherError('TOO_LARGE', text, { details: { bytes, limit } })
}

/** The names of a team. */
export const checkTeam: Check = (name, value) => {
  listOf('a list of session names', checkName)(name, value)
  const names = value as readonly string[]
  mustBe(`a list of 1 to ${MAX_TEAM} names`, names.length >= 1 && names.length <= MAX_TEAM, name, value)
  const twice = names.find((one, at) => names.indexOf(one) !== at)
  if (twice !== undefined) throw invalidOption(name, `has '${twice}' twice`)
}

/** One SUBSCRIBE of AWS IoT takes 8 filters: a stub's own, and one for each of seven names. */
const MAX_TEAM = 7

/** Converts a request's conditions to a pattern for the result of {@link httpRequest}. */
export function httpPattern({ header, ...others }: TakeHttp): object {
  const lowerCase =
    header !== undefined && isObject(header)
      ? Object.fromEntries(Object.entries(header).map(([name, values]) => [name.toLowerCase(), values]))
      : header
  const pattern = { ...others, header: lowerCase }
  return Object.fromEntries(Object.entries(pattern).filter(([, value]) => value !== undefined))
}

/** Whether a card selects by functions alone. */
export function isUnfiltered(take: Take | undefined): boolean {
  return take?.event === undefined && take?.http === undefined && take?.marker === undefined
}

function anything(): void {}
