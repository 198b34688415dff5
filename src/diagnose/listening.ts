import { randomBytes } from 'node:crypto'
import type { TetherError } from '../core/base/errors.js'
import type { Connection, ConnectOptions, Endpoint, Transport } from '../core/contracts/transport.js'
import { encodeHeader } from '../core/wire/frame.js'

/** A connection, and the frames that it has received. */
export interface Listening {
  readonly connection: Connection
  readonly heard: readonly Uint8Array[]
  /** Retained frames for the watched name, latest last. */
  readonly kept: readonly Uint8Array[]
  /** Resolves when this frame arrives. @throws TetherError the reason why the connection ended */
  until(frame: Uint8Array): Promise<void>
}

/** Opens a passive connection, without an identity and a will. @throws the errors of `connect` */
export async function listenAt(
  transport: Transport,
  self: Endpoint,
  options: Pick<ConnectOptions, 'watch' | 'sign'> & { readonly signal: AbortSignal },
): Promise<Listening> {
  const heard: Uint8Array[] = []
  const kept: Uint8Array[] = []
  const waiting = new Set<(frame: Uint8Array) => void>()
  const handlers = {
    onFrame: (frame: Uint8Array) => {
      heard.push(frame)
      for (const tell of waiting) tell(frame)
    },
    onKept: (frame: Uint8Array) => void kept.push(frame),
  }
  const connection = await transport.connect(self, handlers, options)
  // The connection opened after the abort.
  if (options.signal.aborted) void connection.close()
  return {
    connection,
    heard,
    kept,
    until: (frame) =>
      new Promise((resolve, reject) => {
        const tell = (one: Uint8Array) => Buffer.compare(one, frame) === 0 && resolve()
        waiting.add(tell)
        heard.forEach(tell)
        void connection.closed.then((reason: TetherError | undefined) => {
          waiting.delete(tell)
          reject(reason)
        })
      }),
  }
}

/** Returns a unique frame that every session ignores: a refusal, which only stubs read. */
export function ignoredFrame(): Buffer {
  const sender = randomBytes(28).toString('base64url')
  return encodeHeader({ kind: 'refused', sender, messageNumber: 0, index: 0, count: 1, totalBytes: 0 })
}
