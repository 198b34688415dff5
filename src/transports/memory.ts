import { TetherError, throwIfAborted } from '../core/errors.js'
import { type Connection, checkEndpoint, type Endpoint, type Transport } from '../core/transport.js'

export interface MemoryOptions {
  /** The largest frame, in bytes. @default 131,072, as on AWS IoT */
  readonly frameBytes?: number
}

interface Receiver {
  readonly self: Endpoint
  onFrame(frame: Uint8Array): void
}

/**
 * A broker inside this process: what is sent to an endpoint reaches every connection of that endpoint, in order,
 * after the sender has returned. What nobody receives is lost, as on any broker. Pass one `memory()` to a session
 * and to its stubs. It is the executable specification of a transport: what it does, each one must.
 * @throws TetherError `INVALID_OPTION`
 */
export function memory(options: MemoryOptions = {}): Transport {
  const { frameBytes = 131_072 } = options
  if (!Number.isInteger(frameBytes) || frameBytes < 1024) {
    throw new TetherError(
      'INVALID_OPTION',
      `'frameBytes' must be a whole number from 1,024, not ${String(frameBytes)}.`,
    )
  }
  const receivers = new Set<Receiver>()
  return {
    name: 'memory',
    limits: { frameBytes },
    async connect(self, handlers, { signal } = {}) {
      throwIfAborted(signal)
      const receiver: Receiver = { self: checkEndpoint(self), onFrame: (frame) => handlers.onFrame(frame) }
      receivers.add(receiver)
      return connection(receivers, receiver, frameBytes)
    },
  }
}

function connection(receivers: Set<Receiver>, own: Receiver, frameBytes: number): Connection {
  let end: (error: TetherError | undefined) => void = () => {}
  const closed = new Promise<TetherError | undefined>((resolve) => {
    end = resolve
  })
  const close = async () => {
    receivers.delete(own)
    end(undefined)
  }
  return {
    closed,
    close,
    [Symbol.asyncDispose]: close,
    async send(to, frame, { signal } = {}) {
      throwIfAborted(signal)
      if (!receivers.has(own)) throw new TetherError('CLOSED', 'The connection is closed.')
      if (frame.length > frameBytes) {
        throw new TetherError(
          'TOO_LARGE',
          `A frame of ${frame.length} bytes exceeds ${frameBytes}; split it.`,
        )
      }
      const copy = Uint8Array.from(frame)
      setImmediate(() => {
        for (const receiver of receivers)
          if (receives(receiver.self, to)) receiver.onFrame(Uint8Array.from(copy))
      })
    },
  }
}

function receives(self: Endpoint, to: Endpoint): boolean {
  return (
    self.app === to.app &&
    self.stage === to.stage &&
    self.role === to.role &&
    self.name === to.name &&
    (self.lane === undefined || self.lane === to.lane)
  )
}
