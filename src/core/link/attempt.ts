import { onAbort } from '../base/abort.js'
import type { Clock } from '../base/clock.js'
import { defined } from '../base/defined.js'
import { type TraceContext, traceOf } from '../base/diagnostics.js'
import { abortError, TetherError } from '../base/errors.js'
import type {
  Connection,
  ConnectOptions,
  Endpoint,
  SessionIdentity,
  Transport,
} from '../contracts/transport.js'
import type { Counters } from '../wire/counters.js'
import { LiveConnection } from './live-connection.js'
import { Pacer } from './pacer.js'

/** The longest that a transport may take to connect, in milliseconds; this package's own take 10 s for each of their steps. */
const CONNECT_MS = 60_000

export interface ConnectionOptions {
  readonly transport: Transport
  readonly self: Endpoint
  readonly clock: Clock
  readonly counters?: Counters
  onFrame(frame: Uint8Array): void
  /** The lane of a session with which the connection begins. @default all of them */
  lane?(): number | undefined
  /** Makes a connection ready for service. @throws TetherError, which ends it */
  prepare?(connection: Connection): Promise<void>
  /** The sessions with kept frames that `onKept` should receive. */
  readonly watch?: readonly Endpoint[]
  onKept?(frame: Uint8Array, name: string): void
  /** The frame for the broker to keep when the connection ends without a goodbye; asked at each attempt. */
  will?(): Uint8Array
  /** The connecting session; asked at each attempt. */
  identity?(): SessionIdentity
  readonly sign?: ConnectOptions['sign']
  /** For a stub's traces. */
  readonly environmentId?: string
}

/**
 * Connects once.
 *
 * @param signal ends the attempt; a connection that opens nevertheless is closed
 * @param onActivity called when a frame has arrived
 * @throws TetherError `UNREACHABLE` if the transport throws any other error; errors of `prepare`
 */
export async function attemptConnection(
  options: ConnectionOptions,
  signal: AbortSignal,
  onActivity: () => void,
): Promise<LiveConnection> {
  const { transport, self, clock, counters, watch, onKept } = options
  const pacer = new Pacer(clock, transport.limits.rate)
  const trace = traceOf('connect', () => describe(options))
  trace?.start()
  const lane = options.lane?.()
  let connection: Connection
  try {
    connection = await inTime(options, signal, (limited) =>
      transport.connect(
        lane === undefined ? self : { ...self, lane },
        {
          onFrame: (frame) => {
            onActivity()
            pacer.received(frame.length)
            counters?.frameReceived(self, frame.length)
            options.onFrame(frame)
          },
          ...(onKept === undefined
            ? {}
            : {
                onKept: (frame, name) => {
                  counters?.keptReceived({ ...self, name }, frame.length)
                  onKept(frame, name)
                },
              }),
        },
        {
          signal: limited,
          ...(watch === undefined ? {} : { watch }),
          ...(options.will === undefined ? {} : { will: options.will() }),
          ...(options.identity === undefined ? {} : { identity: options.identity() }),
          ...defined({ sign: options.sign }),
        },
      ),
    )
  } catch (error) {
    trace?.fail(error)
    if (error instanceof TetherError) throw error
    throw new TetherError(
      'UNREACHABLE',
      `Transport '${transport.name}' failed to connect: ${String(error)}`,
      { cause: error },
    )
  }
  trace?.finish()
  counters?.connected()
  const live = new LiveConnection(connection, pacer, clock.now())
  if (signal.aborted) {
    void live.discard()
    throw abortError(signal)
  }
  await options.prepare?.(connection).catch((error: TetherError) => live.end(error))
  if (live.over) throw await live.ended
  return live
}

/**
 * Bounds a transport that never settles, so that the link tries again. Its signal fires then, and a connection that opens
 * nevertheless is closed.
 */
function inTime(
  { transport, clock }: ConnectionOptions,
  signal: AbortSignal,
  connect: (signal: AbortSignal) => Promise<Connection>,
): Promise<Connection> {
  const limit = new AbortController()
  const unlisten = onAbort(signal, () => limit.abort(signal.reason))
  const connecting = connect(limit.signal)
  return new Promise((resolve, reject) => {
    const cancel = clock.schedule(CONNECT_MS, () => {
      const message = `Transport '${transport.name}' did not connect within ${CONNECT_MS} ms; its connect() must resolve or reject.`
      reject(new TetherError('UNREACHABLE', message))
      limit.abort()
      connecting.then((connection) => connection.close()).catch(() => {})
    })
    const settled = () => {
      cancel()
      unlisten()
    }
    connecting.then(resolve, reject).finally(settled)
  })
}

function describe({ self, transport: { name: transport }, environmentId }: ConnectionOptions): TraceContext {
  const { app, stage, role, name } = self
  return { app, stage, transport, ...(role === 'session' ? { session: name } : defined({ environmentId })) }
}
