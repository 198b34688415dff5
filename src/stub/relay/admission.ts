import { type KeyObject, verify } from 'node:crypto'
import { MAX_ENDPOINT_PART_BYTES } from '../../core/contracts/transport.js'
import { statement } from '../../core/wire/derivation.js'
import { publicKeyOf } from '../../core/wire/stub-key.js'
import type { RelayEnvironment } from './aws.js'
import type { ConnectionRow, Registration } from './table.js'

/** A client that wants to connect. */
export interface ConnectAttempt {
  /** Its URL's. */
  readonly query: Readonly<Record<string, string | undefined>>
  /** The host that it connected to, as the request's context names it. */
  readonly host: string
  /** When it asked, by API Gateway's clock: Unix milliseconds. */
  readonly now: number
}

/** Who is let in. */
export type Admitted = Registration & Pick<ConnectionRow, 'session' | 'epoch'>

/** Why a client is not let in. */
export interface RelayRefusal {
  readonly statusCode: 400 | 403
  readonly body: string
}

const DAY_MS = 24 * 3_600_000
/** As long as a request's own signature holds. */
const SIGNED_FOR_MS = 5 * 60_000

/**
 * Decides who may receive under a name. A stub's name is random; a session's is known to everybody, so a session proves by a
 * signature that it has the stage's key.
 */
export class Admission {
  readonly #app: string | undefined
  readonly #stage: string | undefined
  readonly #publicKeys: readonly KeyObject[]

  /**
   * @param env `APP`, `STAGE` and `PUBLIC_KEYS`: one key, or two while it is rotated
   * @throws Error where a public key is none
   */
  constructor({ APP, STAGE, PUBLIC_KEYS = '' }: RelayEnvironment) {
    this.#app = APP
    this.#stage = STAGE
    // Without any it lets no session in.
    const keys = PUBLIC_KEYS === '' ? [] : PUBLIC_KEYS.split(',')
    this.#publicKeys = keys.map((key) => publicKeyOf(Buffer.from(key, 'base64url')))
  }

  /** Who the client is, or why it is not let in. */
  admit({ query, ...arrival }: ConnectAttempt): Admitted | RelayRefusal {
    const { app, stage, role, name = '' } = query
    if (app === undefined || stage === undefined || app !== this.#app || stage !== this.#stage)
      return refusal(400, `this relay serves app ${this.#app}, stage ${this.#stage} alone`)
    if (role === 'stub') {
      if (!/^[\w-]{22}$/.test(name)) return refusal(400, "a stub's name has 22 characters of base64url")
      return { app, stage, role, name, session: '', epoch: 0 }
    }
    if (role !== 'session' || name === '' || Buffer.byteLength(name) > MAX_ENDPOINT_PART_BYTES)
      return refusal(400, 'role and name are needed')
    return this.#session({ app, stage, role, name }, { query, ...arrival })
  }

  // Comparisons are such that a request without a time is refused.
  #session(self: Registration, { query, host, now }: ConnectAttempt): Admitted | RelayRefusal {
    const { session = '', sig = '' } = query
    const [epoch, at] = [wholeNumber(query.epoch), wholeNumber(query.at)]
    const formed = /^[!-~]{1,100}$/.test(session) && /^[\w-]{86}$/.test(sig)
    if (!formed || epoch === undefined || at === undefined)
      return refusal(400, 'a session needs session, epoch, at and sig')
    if (!(epoch <= now + DAY_MS)) return refusal(400, 'the epoch is more than a day ahead')
    if (!(Math.abs(now - at) <= SIGNED_FOR_MS))
      return refusal(403, `signed at ${at}, more than five minutes from ${now}`)
    const { app, stage, name } = self
    const signed = statement('connect', [host, app, stage, name, session, epoch, at])
    const signature = Buffer.from(sig, 'base64url')
    if (!this.#publicKeys.some((key) => verify(null, signed, key, signature)))
      return refusal(
        403,
        "not signed with this stack's key: deploy debugStackTemplate with the session's key",
      )
    return { ...self, session, epoch }
  }
}

function refusal(statusCode: RelayRefusal['statusCode'], body: string): RelayRefusal {
  return { statusCode, body }
}

function wholeNumber(text = ''): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined
}
