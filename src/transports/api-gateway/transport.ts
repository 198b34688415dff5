import { randomUUID } from 'node:crypto'
import type { SigningIdentity } from '../../aws/credentials.js'
import { signedHeaders } from '../../aws/sign-headers.js'
import { signingTime } from '../../aws/signature.js'
import { SigningClock } from '../../aws/signing-clock.js'
import { onAbort, untilAborted } from '../../core/base/abort.js'
import { type Clock, systemClock } from '../../core/base/clock.js'
import { abortError, TetherError, throwIfAborted } from '../../core/base/errors.js'
import { invalidOption } from '../../core/base/options.js'
import { printable } from '../../core/base/printable.js'
import {
  type Connection,
  checkEndpoint,
  type Endpoint,
  type Transport,
} from '../../core/contracts/transport.js'
import { UpgradeRefused } from '../socket/web-socket-upgrade.js'
import { Addresses } from './addresses.js'
import { ApiGatewayConnection } from './connection.js'
import { type Poster, Posts } from './posts.js'
import { TextSocket } from './socket.js'
import { connectUrl, SERVICE, type Sign, sessionProof } from './url.js'
import { FRAME_BYTES, frameBytesIn } from './wire.js'

/** What both sides' options share. */
export interface ApiGatewayCommonOptions {
  /**
   * The WebSocket API with its stage, `wss://<api>.execute-api.<region>.amazonaws.com/<stage>`, as the debug stack's
   * outputs give it; or a `ws://` URL such as the local cloud's.
   */
  readonly endpoint: string
  /** PEM certificates to trust in place of the system's. */
  readonly ca?: string | undefined
  /** The longest that connecting may take, the API's `$connect` route included. @default 10000 */
  readonly connectTimeoutMs?: number | undefined
  /** @default the machine's clock */
  readonly clock?: Clock | undefined
}

/** What one connection is opened with, found anew for each. */
export interface ApiGatewayAccess {
  readonly region: string
  readonly credentials: SigningIdentity
  /** The connection's own; closed with it. */
  readonly poster: Poster
}

// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
const LIFETIME_MS = 2 * 3_600_000
// Metered in 32 KB; a frame's own bytes are fewer, by its head and base64.
// A post is one message; what goes through the relay, once in a connection's life, would be two.
const PRICING = {
  unitBytes: frameBytesIn(32 * 1024),
  usdPerMillionUnits: 1,
  usdPerMillionMinutes: 0.25,
  counts: 'sent',
} as const

/**
 * An API Gateway WebSocket API with the relay of `debugStackTemplate` behind it.
 * @param url as `apiGatewayUrl` gives it
 * @throws TetherError `INVALID_OPTION`
 */
export function apiGatewayTransport(
  url: string,
  options: ApiGatewayCommonOptions,
  access: () => Promise<ApiGatewayAccess>,
): Transport {
  const { clock = systemClock, connectTimeoutMs = 10_000 } = options
  const signing = new SigningClock(clock)
  const addresses = new Addresses()
  const { host: label } = new URL(url)
  // The relay has to know which connections are one session's: without a word of it, all of this transport's are.
  const anonymous = { session: randomUUID(), epoch: 0 }

  const attempt = async (
    ...[self, handlers, { signal, identity = anonymous, sign } = {}]: Parameters<Transport['connect']>
  ): Promise<Connection> => {
    const asSession = self.role === 'session' ? signer(sign) : undefined
    const { region, credentials, poster } = await untilAborted(access, signal)
    const posts = new Posts({ poster, clock, signing })
    const expiresAt = clock.now() + LIFETIME_MS
    const connection = new ApiGatewayConnection({ self, handlers, posts, addresses, clock, label, expiresAt })
    const at = Math.round(signing.now())
    const proof = asSession && sessionProof(url, self, identity, at, asSession)
    const target = connectUrl(url, self, proof)
    const scope = { time: signingTime(at), region, service: SERVICE }
    const attempting = new AbortController()
    const unlisten = onAbort(signal, () => attempting.abort(abortError(signal!)))
    const cancelTimeout = clock.schedule(connectTimeoutMs, () => {
      attempting.abort(unreachable(label, new Error(`no connection within ${connectTimeoutMs} ms`), self))
    })
    try {
      const socket = await TextSocket.open(
        {
          url: target,
          headers: signedHeaders({ method: 'GET', url: target }, scope, credentials),
          ...(options.ca !== undefined && { ca: options.ca }),
          clock,
          onText: (text) => connection.receive(text),
        },
        attempting.signal,
      )
      connection.begin(socket)
      return connection
    } catch (error) {
      const reason = unreachable(label, error, self)
      posts.end(reason)
      throw reason
    } finally {
      cancelTimeout()
      unlisten()
    }
  }
  return {
    name: 'api-gateway',
    limits: { frameBytes: FRAME_BYTES },
    pricing: PRICING,
    async connect(...args) {
      const [self, , { signal } = {}] = args
      checkEndpoint(self)
      throwIfAborted(signal)
      return signing.attempt(() => attempt(...args))
    },
  }
}

/** @throws TetherError `INVALID_OPTION` for a session that cannot sign */
function signer(sign: Sign | undefined): Sign {
  if (sign !== undefined) return sign
  throw invalidOption(
    'sign',
    "is needed to connect a session: a transport around this one passes connect's options on",
  )
}

/** An API out of reach, as the error that says which and why. */
function unreachable(label: string, cause: unknown, self: Endpoint): TetherError {
  if (cause instanceof TetherError) return cause
  const { code, message } = (cause ?? {}) as NodeJS.ErrnoException
  const refusal = cause instanceof UpgradeRefused ? cause.details : undefined
  // With several addresses tried, Node's AggregateError has a code and no message.
  const reason = message || code || 'no reason given'
  const advice = adviceFor(code, refusal?.statusCode, self)
  return new TetherError('UNREACHABLE', `API Gateway at ${label} cannot be reached: ${reason}.${advice}`, {
    cause,
    details: { ...(code !== undefined && { code }), ...refusal },
  })
}

// Of a refusal by the relay, API Gateway tells its status alone.
function adviceFor(
  code: string | undefined,
  statusCode: number | undefined,
  { role, app, stage }: Endpoint,
): string {
  if (code === 'ENOTFOUND') return " The endpoint's name does not resolve: is the debug stack still there?"
  if (statusCode === 400) {
    return ` The relay took no ${role} of app ${printable(app)}, stage ${printable(stage)}: check that the endpoint is that of their debug stack, and that debugStackTemplate() of this version is deployed.`
  }
  if (statusCode === 403) {
    const identity =
      'API Gateway refused the signature or the identity: check the credentials, the region, and that apiGatewayPolicy() is attached.'
    const key =
      " Or the relay refused the session's key: deploy debugStackTemplate() with it, or give the session the key that the stack has."
    return ` ${identity}${role === 'session' ? key : ''}`
  }
  if (statusCode === 429) return ' The account has too many connects in a second.'
  if (statusCode !== undefined && statusCode >= 500) {
    return " The API's $connect route failed: look at the log of the relay function."
  }
  return ''
}
