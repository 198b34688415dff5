import { randomUUID } from 'node:crypto'
import type { SigningIdentity } from '../../aws/credentials.js'
import { signedHeaders } from '../../aws/sign-headers.js'
import { signingTime } from '../../aws/signature.js'
import { SigningClock } from '../../aws/signing-clock.js'
import { onAbort, untilAborted } from '../../core/base/abort.js'
import { type Clock, systemClock } from '../../core/base/clock.js'
import { abortError, throwIfAborted } from '../../core/base/errors.js'
import { invalidOption } from '../../core/base/options.js'
import { type Connection, checkEndpoint, type Transport } from '../../core/contracts/transport.js'
import type { OpenWebSocket } from '../socket/web-socket.js'
import { Addresses } from './addresses.js'
import { ApiGatewayConnection } from './connection.js'
import { failedConnect, type NetworkAdvice } from './failed-connect.js'
import { type Poster, Posts } from './posts.js'
import { NotOpened, TextSocket } from './socket.js'
import { connectUrl, SERVICE, type Sign, sessionProof } from './url.js'
import { FRAME_BYTES, frameBytesIn } from './wire.js'

/** Options common to session and stub. */
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

/** The parts that differ between session and stub. */
export interface ApiGatewayKind {
  readonly openWebSocket: OpenWebSocket
  /** Absent in stubs. */
  readonly advice?: NetworkAdvice
  access(): Promise<ApiGatewayAccess>
}

/** Region, identity and poster of one connection, resolved anew for each. */
export interface ApiGatewayAccess {
  readonly region: string
  readonly credentials: SigningIdentity
  /** The connection's own; closed with it. */
  readonly poster: Poster
}

// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
const LIFETIME_MS = 2 * 3_600_000
// Metered in units of 32 KB; a frame's own bytes are fewer, because of its head and base64.
// A post is one message; a frame through the relay, used once in a connection's life, would be two.
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
  { openWebSocket, advice, access }: ApiGatewayKind,
): Transport {
  const { clock = systemClock, connectTimeoutMs = 10_000 } = options
  const signing = new SigningClock(clock)
  const addresses = new Addresses()
  const { host: label } = new URL(url)
  // The relay groups connections by session. Without a given identity, all connections of this transport are one
  // session.
  const anonymous = { session: randomUUID(), epoch: 0 }

  const attempt = async (
    ...[self, handlers, { signal, identity = anonymous, sign, watch = [] } = {}]: Parameters<
      Transport['connect']
    >
  ): Promise<Connection> => {
    const asSession = self.role === 'session' ? signer(sign) : undefined
    const { region, credentials, poster } = await untilAborted(access, signal)
    const posts = new Posts({ poster, clock, signing })
    const expiresAt = clock.now() + LIFETIME_MS
    const connection = new ApiGatewayConnection({
      self,
      handlers,
      watched: watch.map(({ name }) => name),
      posts,
      addresses,
      clock,
      label,
      expiresAt,
    })
    const at = Math.round(signing.now())
    const proof = asSession && sessionProof(url, self, identity, at, asSession)
    const target = connectUrl(url, self, proof)
    const scope = { time: signingTime(at), region, service: SERVICE }
    const attempting = new AbortController()
    const unlisten = onAbort(signal, () => attempting.abort(abortError(signal!)))
    const cancelTimeout = clock.schedule(connectTimeoutMs, () => {
      attempting.abort(
        Object.assign(new Error(`no connection within ${connectTimeoutMs} ms`), { code: 'ETIMEDOUT' }),
      )
    })
    try {
      const socket = await TextSocket.open(
        {
          openWebSocket,
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
      const { during, cause } = error instanceof NotOpened ? error : { cause: error }
      const reason = failedConnect({ url: target, cause, self, during, advice })
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
    keeps: { everyMs: 0, onRequest: true },
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
