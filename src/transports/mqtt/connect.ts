import { onAbort } from '../../core/base/abort.js'
import { defined } from '../../core/base/defined.js'
import { abortError, TetherError, throwIfAborted } from '../../core/base/errors.js'
import {
  type Connection,
  type ConnectOptions,
  checkEndpoint,
  type Endpoint,
  type FrameHandlers,
} from '../../core/contracts/transport.js'
import { advised, type Seen } from './advice.js'
import type { MqttClient, StartClient } from './client.js'
import { MqttConnection } from './connection.js'
import { type Asked, type MqttConnectSettings, optionalOf } from './progress.js'
import { type MqttSockets, openSocket, unreachable } from './socket.js'

/** An MQTT client implementation, and the features of its connections. */
export interface MqttKind {
  /** Opens its sockets. */
  readonly sockets: MqttSockets
  /** Sends CONNECT on an open socket; resolves when the broker accepts. */
  readonly start: StartClient
  /** Whether retained messages are used. */
  readonly presence: boolean
  /** Adds the methods that a stub's connection does not have. */
  readonly extend?: (
    connection: MqttConnection,
    client: MqttClient,
    self: Endpoint,
  ) => Pick<Connection, 'serve' | 'keep'>
}

/**
 * Opens a connection that receives frames to `self`: socket, CONNECT, one SUBSCRIBE, within `connectTimeoutMs`. A
 * broker may end the connection because of a watched topic and not say so; then a second attempt leaves out the
 * optional topics. Each connect asks for them again, since a policy may have come into force.
 * @throws TetherError `UNREACHABLE`, with `details.during` and the other fields of {@link Seen}; `ABORTED`;
 * `INVALID_OPTION` for a part of the endpoint
 */
export async function connectMqtt(
  kind: MqttKind,
  settings: MqttConnectSettings,
  self: Endpoint,
  handlers: FrameHandlers,
  options: ConnectOptions = {},
): Promise<Connection> {
  const { signal } = options
  const { target, clock, connectTimeoutMs } = settings
  checkEndpoint(self)
  throwIfAborted(signal)
  const attempt = new AbortController()
  let connection: MqttConnection | undefined
  const unlisten = onAbort(signal, () => attempt.abort(abortError(signal!)))
  const cancelTimeout = clock.schedule(connectTimeoutMs, () => {
    const late = new Error(`no connection within ${connectTimeoutMs} ms`)
    attempt.abort(unreachable(target, late, connection && { during: connection.during }))
  })
  const connect = async (asked: Asked): Promise<Connection> => {
    connection = undefined
    const opened = await openSocket(kind.sockets, target, attempt.signal)
    connection = new MqttConnection(opened, settings, handlers, asked)
    const client = await connection.begin(kind.start, attempt.signal)
    return Object.assign(connection, kind.extend?.(connection, client, self))
  }
  const { watch, will } = kind.presence ? options : {}
  try {
    const asked: Asked = { self, ...defined({ watch, will }) }
    return await connect(asked).catch((error: unknown) => {
      const before = topicsOfCut(error)
      const optional = optionalOf(asked)
      if (optional.length === 0 || !before || attempt.signal.aborted) throw error
      const needed = watch?.filter((session) => !optional.includes(session))
      return connect({ ...asked, watch: needed, before, unwatched: optional.map(({ name }) => name) })
    })
  } catch (error) {
    throw error instanceof TetherError ? advised(error, settings.advice) : error
  } finally {
    cancelTimeout()
    unlisten()
  }
}

/** Returns the filters for which the broker ended a connection without a reason. */
function topicsOfCut(error: unknown): readonly string[] | undefined {
  const { during, refusedFilter, topics }: Seen = error instanceof TetherError ? error.details : {}
  return during === 'subscribe' && refusedFilter === undefined ? topics : undefined
}
