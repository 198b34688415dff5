import { TetherError } from '../core/base/errors.js'
import { printable } from '../core/base/printable.js'
import type { Finding } from '../core/contracts/diagnosis.js'
import { ANY_FUNCTION } from '../core/wire/derivation.js'
import { readStubKey } from '../core/wire/stub-key.js'
import { VARIABLE_PREFIX } from '../deploy/live/target.js'
import { DEFAULT_SESSION } from '../deploy/names.js'
import { readStubEnvironment, type StubConfiguration } from '../stub/configuration.js'
import type { FoundFunction } from './found-function.js'

const DEPLOY = 'Deploy what stubEnvironment() returns for this session, or run goLive().'

/** Checks whether a function's variables lead to this session. */
export function variablesFinding(one: FoundFunction): Finding {
  const { found } = one
  const { Error: unreadable } = found.given.Environment ?? {}
  if (unreadable !== undefined) {
    const seen = `Its variables cannot be read: ${unreadable.Message ?? unreadable.ErrorCode}.`
    const advice = `Allow yourself kms:Decrypt on ${found.given.KMSKeyArn ?? 'its KMS key'}.`
    return { outcome: 'unknown', seen, advice }
  }
  const { environment } = found.facts
  if (!Object.keys(environment).some((name) => name.startsWith(VARIABLE_PREFIX))) {
    const seen = `It has no ${VARIABLE_PREFIX} variables: it is not live.`
    return { outcome: 'failed', seen, advice: DEPLOY }
  }
  let configuration: StubConfiguration
  try {
    configuration = readStubEnvironment(environment)
  } catch (error) {
    if (!(error instanceof TetherError)) throw error
    return { outcome: 'failed', seen: error.message, advice: DEPLOY }
  }
  const problems = differences(configuration, one)
  const elsewhere = otherAddress(configuration, one)
  const { app, stage, team, mode = 'live', liveUntil } = configuration
  const session = team?.join(', ') ?? configuration.session ?? DEFAULT_SESSION
  const { id } = readStubKey('key', configuration.key)
  const until = liveUntil === undefined ? '' : `, until ${timeText(liveUntil)}`
  const seen = `App ${app}, stage ${stage}, ${team ? 'team' : 'session'} ${printable(session, 1_000)}, key ${id}, ${mode}${until}.`
  const details = {
    app,
    stage,
    session,
    ...(team && { team }),
    keyId: id,
    mode,
    ...(liveUntil !== undefined && { liveUntil }),
  }
  if (problems.length === 0 && elsewhere !== undefined) {
    const advice = 'Both have to reach one broker: check the address, unless it has several.'
    return { outcome: 'warning', seen: `${seen} ${elsewhere}`, advice, details }
  }
  if (problems.length === 0) return { outcome: 'ok', seen, details }
  return { outcome: 'failed', seen: `${seen} ${problems.join(' ')}`, advice: DEPLOY, details }
}

function differences(configuration: StubConfiguration, one: FoundFunction): string[] {
  const { keys, session, functionId, now } = one
  const { key, liveUntil } = configuration
  const { id, tag } = readStubKey('key', key)
  const known = keys.all.find((stage) => stage.id === id)
  const other = (what: string, has: string | undefined, wanted: string) =>
    has !== wanted &&
    `Its ${what} is ${has === undefined ? 'missing' : `'${printable(has, 100)}'`}, and the session's is '${wanted}'.`
  const said: (string | false)[] = [
    other('app', configuration.app, session.app),
    other('stage', configuration.stage, session.stage),
    configuration.team === undefined
      ? other('session', configuration.session ?? DEFAULT_SESSION, session.name)
      : !configuration.team.includes(session.name) &&
        `Its team (${printable(configuration.team.join(', '), 100)}) has no '${session.name}': such a session hears nothing of it.`,
    known === undefined && `Its key ${id} is not of yours (${keys.ids.join(', ')}).`,
    known !== undefined &&
      !tag.equals(ANY_FUNCTION) &&
      !tag.equals(known.tagOf(functionId)) &&
      `Its key is for another function than '${printable(functionId)}'.`,
    configuration.functionId !== undefined && other('function', configuration.functionId, functionId),
    liveUntil !== undefined && liveUntil <= now && `It stopped being live at ${timeText(liveUntil)}.`,
  ]
  return said.filter((text) => text !== false)
}

function otherAddress(configuration: StubConfiguration, { url, bundle }: FoundFunction): string | undefined {
  if (url === undefined || bundle === undefined) return undefined
  const address = bundle === 'mqtt' ? configuration.url : configuration.endpoint
  const [theirs, ours] = [address, url].map((one) => placeOf(one, bundle === 'api-gateway'))
  return theirs === ours
    ? undefined
    : `It connects to ${theirs ?? 'no address of this transport'}, and the session to ${ours}.`
}

// Either side may include them or omit them.
const DEFAULT_PORTS = /:(?:443|80|1883|8883)$/

/** Host and port, and the path on request. The rest stays out of messages: an MQTT URL may hold a password. */
function placeOf(address: string | undefined, withPath: boolean): string | undefined {
  if (address === undefined) return undefined
  const text = address.includes('://') ? address : `wss://${address}`
  if (!URL.canParse(text)) return 'no URL'
  const { host, pathname } = new URL(text)
  return host.replace(DEFAULT_PORTS, '') + (withPath ? pathname.replace(/\/+$/, '') : '')
}

function timeText(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString()
}
