import { TetherError } from '../base/errors.js'
import { checkText, listOf } from '../base/option-checks.js'
import { type Check, invalidOption, isObject, mustBe, optionsOf } from '../base/options.js'
import { checkName, type Transport } from '../contracts/transport.js'
import { compilePattern, type EventPattern, type PatternValue } from '../pattern/event-pattern.js'

/**
 * Which invocations a session takes. All of what is given must hold. Travels to the stubs, which decide, in the session's signed
 * presence: at most 4,000 bytes of JSON, readable for who has the stage's keys, so no place for secrets.
 */
export interface Take {
  /** Ids of functions, with `*` for any characters: `['api', 'report-*']`. @default all that are addressed to the session */
  readonly functions?: readonly string[] | undefined
  /**
   * An event pattern of Amazon EventBridge, on the event as the function gets it. Of an event with `Records` it sees each record alone, and a batch
   * is taken when all of them match.
   */
  readonly event?: EventPattern | undefined
  /** Of HTTP-shaped events: REST and HTTP APIs, function URLs, load balancers. No other event matches. */
  readonly http?: TakeHttp | undefined
  /**
   * The session's name as {@link marker} writes it, or any other mark: in W3C `baggage` (`tether-session=alice`), or as `x-tether-session`
   * in a header, a cookie, the client context, or the message attributes of each record of SQS or SNS.
   */
  readonly marker?: string | undefined
}

/** What an HTTP request must be like. Each is a list as in an event pattern, of values and operators. */
export interface TakeHttp {
  readonly method?: readonly PatternValue[] | undefined
  /** The path in the event: `[{ wildcard: '/orders/*' }]`. */
  readonly path?: readonly PatternValue[] | undefined
  /** By name, in any case. A header that came several times matches with one of its values; each cookie is a value of `cookie`. */
  readonly header?: Readonly<Record<string, readonly PatternValue[]>> | undefined
}

/** The most that a card may add to a presence frame, so that both are one unit of a broker. */
const MAX_TAKE_BYTES = 4_000
/** What a presence frame has beside its card: header and tag, the sections' table, the signature, and what the session says of itself. */
const PRESENCE_BYTES = 400

const checkHttp: Check = (name, value) => {
  optionsOf<TakeHttp>({ method: anything, path: anything, header: anything })(name, value)
  compilePattern(name, httpPattern(value as TakeHttp))
}

/** Checks what a session takes. @throws TetherError `INVALID_OPTION`, `TOO_LARGE` */
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
 * Checks that a card can be kept over a transport: in one frame.
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

/** One SUBSCRIBE of AWS IoT takes 8 filters: a stub's own and those of seven names. */
const MAX_TEAM = 7

/** A request's pattern as one of {@link httpRequest}'s result. */
export function httpPattern({ header, ...others }: TakeHttp): object {
  const lowerCase =
    header !== undefined && isObject(header)
      ? Object.fromEntries(Object.entries(header).map(([name, values]) => [name.toLowerCase(), values]))
      : header
  const pattern = { ...others, header: lowerCase }
  return Object.fromEntries(Object.entries(pattern).filter(([, value]) => value !== undefined))
}

/** Whether nothing but functions tells what a session takes. */
export function isUnfiltered(take: Take | undefined): boolean {
  return take?.event === undefined && take?.http === undefined && take?.marker === undefined
}

function anything(): void {}
