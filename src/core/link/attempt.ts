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
    const connecting = transport.connect(
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
        signal,
        ...(watch === undefined ? {} : { watch }),
        ...(options.will === undefined ? {} : { will: options.will() }),
        ...(options.identity === undefined ? {} : { identity: options.identity() }),
        ...defined({ sign: options.sign }),
      },
    )
    connection = await inTime(connecting, options)
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

/** Bounds a transport that never settles, so that the link tries again. A connection that opens later is closed. */
function inTime(
  connecting: Promise<Connection>,
  { transport, clock }: ConnectionOptions,
): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const cancel = clock.schedule(CONNECT_MS, () => {
      const message = `Transport '${transport.name}' did not connect within ${CONNECT_MS} ms; its connect() must resolve or reject.`
      reject(new TetherError('UNREACHABLE', message))
      connecting.then((connection) => connection.close()).catch(() => {})
    })
    connecting.then(resolve, reject).finally(cancel)
  })
}

function describe({ self, transport: { name: transport }, environmentId }: ConnectionOptions): TraceContext {
  const { app, stage, role, name } = self
  return { app, stage, transport, ...(role === 'session' ? { session: name } : defined({ environmentId })) }
}
