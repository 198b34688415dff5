import type { Clock } from '../base/clock.js'
import { TetherError } from '../base/errors.js'
import { checkClock, listOf, numberFrom, oneOf, wholeNumber, withMethods } from '../base/option-checks.js'
import { checkOptions, invalidOption, optionsOf, required } from '../base/options.js'
import type { PayloadStore } from '../contracts/payload-store.js'
import { checkPart, checkTransport, LANES, type Transport } from '../contracts/transport.js'
import { checkCard, checkTake, checkTeam, type Take } from '../sharing/take.js'
import { checkRootKey, rootKey, SessionKeys, StageKeys } from '../wire/root-key.js'

/** Options of `createSession`. */
export interface SessionOptions {
  /** The application; with `stage`, the namespace of the session's name. */
  readonly app: string
  readonly stage: string
  /** The name by which stubs address the session. @default 'default' */
  readonly name?: string | undefined
  /** The secret from which the stubs' keys are derived; make it with `generateKey()`. Pass either this or `keys`. */
  readonly key?: string | Uint8Array | undefined
  /** The current secret and earlier ones: during a key rotation, stubs may have either. */
  readonly keys?: readonly (string | Uint8Array)[] | undefined
  /** The transport: `iot()`, `mqtt()`, `memory()` or your own. */
  readonly transport: Transport
  /**
   * Holds bodies that do not fit a frame even compressed: `s3({ bucket })`. Stubs reach it through presigned URLs and
   * need no permission of their own.
   * @default none: large bodies are split and paced
   */
  readonly store?: PayloadStore | undefined
  /**
   * The limit on simultaneous connections, from 1 to 16. The session opens another connection when the existing ones
   * near the broker's limits, and divides incoming frames among them; a transport without limits needs only one.
   * @default { max: 4 }
   */
  readonly connections?: { readonly max: number } | undefined
  /**
   * The names of all sessions that share the stage, including this one's, at most seven. Stubs have the same list. The
   * session then sees the others and the invocations that they take, by {@link Session.team}. A session receives nothing
   * from a stub that does not list its name.
   * @default none: this session alone
   */
  readonly team?: readonly string[] | undefined
  /**
   * The invocations that it takes from stubs with a team's list; change it with {@link Session.setTake}.
   * @default all that are addressed to it
   */
  readonly take?: Take | undefined
  /**
   * The reaction when another session of the team takes the same functions without a filter: `warn` emits a `status`
   * event with the state `conflict`; `refuse` makes `open()` fail with the code `CONFLICT`.
   * @default 'warn'
   */
  readonly onConflict?: 'warn' | 'refuse' | undefined
  /** @default the machine's clock */
  readonly clock?: Clock | undefined
  /**
   * The limit on memory, in bytes, for compressed answers that stubs have not confirmed yet; the oldest are dropped
   * first.
   * @default 64 MiB
   */
  readonly maxKeptBytes?: number | undefined
}

/** Checks the options that a host passed. @throws TetherError `INVALID_OPTION`, by name */
export function checkSessionOptions(options: SessionOptions): SessionOptions {
  checkOptions('createSession', options, {
    app: required(checkPart),
    stage: required(checkPart),
    name: checkPart,
    key: checkRootKey,
    keys: listOf('a list of keys, the newest first', checkRootKey),
    transport: required(checkTransport),
    store: withMethods(
      'a payload store, such as s3({ bucket })',
      'put',
      'get',
      'delete',
      'presignPut',
      'presignGet',
    ),
    connections: optionsOf<{ readonly max: number }>({ max: required(wholeNumber(1, LANES)) }),
    clock: checkClock,
    maxKeptBytes: numberFrom(0),
    team: checkTeam,
    take: checkTake,
    onConflict: oneOf('warn', 'refuse'),
  })
  checkSharing(options)
  return options
}

/** The keys of a session. @throws TetherError `INVALID_OPTION` */
export function sessionKeys({ app, stage, key, keys }: SessionOptions): SessionKeys {
  if (key !== undefined && keys !== undefined) {
    throw new TetherError('INVALID_OPTION', "Give either 'key' or 'keys', not both.")
  }
  if (keys?.length === 0) throw invalidOption('keys', 'must be a list of keys that is not empty')
  return new SessionKeys((keys ?? [key]).map((one) => new StageKeys(rootKey('key', one), { app, stage })))
}

/**
 * Checks that the transport lets sessions of a team see each other.
 * @throws TetherError `INVALID_OPTION`, `TOO_LARGE`
 */
function checkSharing({ name = 'default', team, take, transport }: SessionOptions): void {
  const option = team !== undefined ? 'team' : take !== undefined ? 'take' : undefined
  if (option === undefined) return
  if (team !== undefined && !team.includes(name))
    throw new TetherError(
      'INVALID_OPTION',
      `'team' must have this session's own name, '${name}', among its names.`,
    )
  if (transport.keeps === undefined)
    throw new TetherError(
      'INVALID_OPTION',
      `'${option}' needs a broker that keeps what sessions take, and transport '${transport.name}' keeps nothing here. Over MQTT, leave out 'presence: false'.`,
    )
  checkCard(take, transport)
}
