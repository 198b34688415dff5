import { type KeyObject, verify } from 'node:crypto'
import { MAX_ENDPOINT_PART_BYTES } from '../../core/contracts/transport.js'
import { statement } from '../../core/wire/derivation.js'
import { publicKeyOf } from '../../core/wire/stub-key.js'
import type { RelayEnvironment } from './aws.js'
import type { ConnectionRow, Registration } from './table.js'

/** A client that wants to connect. */
export interface ConnectAttempt {
  /** The query of its URL. */
  readonly query: Readonly<Record<string, string | undefined>>
  /** The host that it connected to, from the request context. */
  readonly host: string
  /** Time of the request by API Gateway's clock, in Unix milliseconds. */
  readonly now: number
}

/** An admitted client. */
export type Admitted = Registration & Pick<ConnectionRow, 'session' | 'epoch'>

/** The reason for rejecting a client. */
export interface RelayRefusal {
  readonly statusCode: 400 | 403
  readonly body: string
}

const DAY_MS = 24 * 3_600_000
/** As long as a request signature is valid. */
const SIGNED_FOR_MS = 5 * 60_000

/**
 * Decides which clients may receive under a name. A stub's name is random, but a session's is public, so a session
 * proves with a signature that it has the stage's key.
 */
export class Admission {
  readonly #app: string | undefined
  readonly #stage: string | undefined
  readonly #publicKeys: readonly KeyObject[]

  /**
   * @param env `APP`, `STAGE` and `PUBLIC_KEYS`: one key, or two during a rotation
   * @throws Error if a public key is malformed
   */
  constructor({ APP, STAGE, PUBLIC_KEYS = '' }: RelayEnvironment) {
    this.#app = APP
    this.#stage = STAGE
    // Without keys, no session is admitted.
    const keys = PUBLIC_KEYS === '' ? [] : PUBLIC_KEYS.split(',')
    this.#publicKeys = keys.map((key) => publicKeyOf(Buffer.from(key, 'base64url')))
  }

  /** Returns the client's identity, or the reason for rejecting it. */
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

  // Each comparison is written so that it rejects a request without a time.
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
