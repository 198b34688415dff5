import { elapsedMs } from '../../core/base/bounded-time.js'
import type { Clock } from '../../core/base/clock.js'
import { TetherError, throwIfAborted } from '../../core/base/errors.js'
import type { AbortOptions, Connection, Endpoint, FrameHandlers } from '../../core/contracts/transport.js'
import type { Addresses } from './addresses.js'
import type { Posts } from './posts.js'
import { Relayed } from './relayed.js'
import type { TextSocket } from './socket.js'
import {
  directText,
  FRAME_BYTES,
  frameText,
  keepText,
  lookText,
  type PeerAddress,
  readArrival,
} from './wire.js'

/** The parts that a connection needs. */
export interface ConnectionParts {
  readonly self: Endpoint
  readonly handlers: FrameHandlers
  /** The session names that `look` asks about. */
  readonly watched: readonly string[]
  readonly posts: Posts
  readonly addresses: Addresses
  readonly clock: Clock
  /** The API's host, for messages. */
  readonly label: string
  readonly expiresAt: number
}

// A session answers most frames from a stub at once. API Gateway accepts posts to a connection that died silently,
// until it notices minutes later. The relay knows the session's newest connection, so it is asked after a silence, and
// then ever less often: some frames are never answered, such as the parts of a large message and the copies of
// invocations that the function itself answers.
const SILENT_MS = 500
const SILENT_AT_MOST_MS = 10_000

/**
 * One WebSocket connection of a session or a stub. All frames arrive on it. Sends go over it through the relay until
 * both connection ids are known, and from then on by direct posts, which run no function.
 */
export class ApiGatewayConnection implements Connection {
  readonly expiresAt: number
  readonly #parts: ConnectionParts
  readonly #relayed: Relayed
  /** Sessions that have not answered yet: since when, and how long to wait before asking the relay. */
  readonly #silent = new Map<string, { readonly since: number; readonly forMs: number }>()
  #socket: TextSocket | undefined
  #resolveClosed: (reason: TetherError | undefined) => void = () => {}
  readonly closed: Promise<TetherError | undefined> = new Promise((resolve) => {
    this.#resolveClosed = resolve
  })
  /** This connection's own id, once the relay has told it. */
  #own: string | undefined
  /** Names with a kept frame at the last `look`. */
  #looked: readonly string[] = []
  #closing = false
  #over: TetherError | undefined

  constructor(parts: ConnectionParts) {
    this.#parts = parts
    this.expiresAt = parts.expiresAt
    this.#relayed = new Relayed({ clock: parts.clock, write: (text) => this.#socket!.send(text) })
  }

  /** Takes the open socket. */
  begin(socket: TextSocket): void {
    this.#socket = socket
    void socket.ended.then((cause) => {
      const reason = this.#closing ? undefined : lost(this.#parts.label, cause)
      this.#end(reason ?? this.#closedError())
      this.#resolveClosed(reason)
    })
  }

  /** Handles one text message from the socket. */
  receive(text: string): void {
    if (this.#over !== undefined) return
    const arrival = readArrival(text)
    if (arrival === undefined) return
    switch (arrival.kind) {
      case 'frame': {
        const { from, frame } = arrival
        this.#learn(from)
        this.#silent.delete(from.name)
        return this.#parts.handlers.onFrame(frame)
      }
      case 'taken': {
        // Set first, so that queued frames can go directly.
        this.#own = arrival.own
        if (arrival.to !== undefined) this.#learn(arrival.to)
        return this.#relayed.taken(arrival.number)
      }
      case 'kept': {
        this.#own = arrival.own
        for (const [name, kept] of arrival.frames) this.#parts.handlers.onKept?.(kept, name)
        this.#looked = arrival.frames.map(([name]) => name)
        return this.#relayed.taken(arrival.number)
      }
      case 'absent':
        this.#own = arrival.own
        return this.#relayed.absent(arrival.number)
      case 'failed':
        this.#own ??= arrival.own
        return this.#relayed.failed(arrival.message)
    }
  }

  async send(to: Endpoint, frame: Uint8Array, { signal }: AbortOptions = {}): Promise<void> {
    throwIfAborted(signal)
    this.#check(to, frame)
    const { self, posts, addresses } = this.#parts
    const encoded = frameText(frame)
    const asking = this.#asksRelay(to)
    const needed = () => asking || this.#direct(to) === undefined
    if (needed() && (await this.#relayed.send(to, encoded, { signal, needed })) === 'taken') return
    const direct = this.#direct(to)
    if (direct !== undefined) {
      const outcome = await posts.post(direct.theirs, directText(self, direct.own, encoded), signal)
      if (outcome === 'taken') return this.#sent(to)
      if (outcome === 'gone') addresses.forget(to, direct.theirs)
    }
    await this.#relayed.send(to, encoded, { signal })
  }

  async keep(frame: Uint8Array): Promise<void> {
    const { self, handlers } = this.#parts
    this.#check(self, frame)
    const kept = Uint8Array.from(frame)
    await this.#relayed.ask(self, (number) => keepText(number, frameText(kept)))
    handlers.onKept?.(kept, self.name)
  }

  async look(): Promise<readonly string[]> {
    const { self, watched } = this.#parts
    if (this.#over !== undefined) throw this.#over
    if (watched.length > 0) await this.#relayed.ask(self, (number) => lookText(number, watched))
    return this.#looked
  }

  async close(): Promise<void> {
    if (this.#over === undefined) {
      this.#closing = true
      this.#end(this.#closedError())
    }
    await this.#socket?.close()
    await this.closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Both connections' ids, if a direct post is possible. */
  #direct(to: Endpoint): { readonly own: string; readonly theirs: string } | undefined {
    const { self, posts, addresses } = this.#parts
    const own = this.#own
    // A session's frame to its own name is meant for every other session of that name.
    if (own === undefined || to.role === self.role || !posts.able) return undefined
    const theirs = addresses.get(to)
    return theirs === undefined ? undefined : { own, theirs }
  }

  #learn({ role, name, connectionId }: PeerAddress): void {
    const { self, addresses } = this.#parts
    if (role !== self.role) addresses.learn({ ...self, role, name }, connectionId)
  }

  // Stubs do not answer frames, so their silence means nothing.
  #sent(to: Endpoint): void {
    if (to.role !== 'session' || this.#silent.has(to.name)) return
    this.#silent.set(to.name, { since: this.#parts.clock.now(), forMs: SILENT_MS })
  }

  /** Whether to send this frame through the relay after a silence. Doubles the wait until the next time. */
  #asksRelay({ name }: Endpoint): boolean {
    const silent = this.#silent.get(name)
    const { clock } = this.#parts
    if (silent === undefined || elapsedMs(clock, silent.since) < silent.forMs) return false
    this.#silent.set(name, { since: clock.now(), forMs: Math.min(2 * silent.forMs, SILENT_AT_MOST_MS) })
    return true
  }

  #check(to: Endpoint, frame: Uint8Array): void {
    const { self, label } = this.#parts
    if (frame.byteLength > FRAME_BYTES) {
      throw new TetherError(
        'TOO_LARGE',
        `A frame of ${frame.byteLength.toLocaleString('en-US')} bytes exceeds ${FRAME_BYTES.toLocaleString('en-US')}, ` +
          'the most that a message of 128 KB carries in base64. Split it.',
        { details: { bytes: frame.byteLength, limit: FRAME_BYTES } },
      )
    }
    if (this.#over !== undefined) throw this.#over
    if (!this.#socket?.open) throw lost(label, undefined)
    if (to.app !== self.app || to.stage !== self.stage) {
      throw new TetherError(
        'UNREACHABLE',
        `What ${self.app}/${self.stage} sends stays within it: ${to.app}/${to.stage} cannot be reached.`,
      )
    }
  }

  #end(reason: TetherError): void {
    if (this.#over !== undefined) return
    this.#over = reason
    this.#relayed.end(reason)
    this.#parts.posts.end(reason)
  }

  #closedError(): TetherError {
    return new TetherError('CLOSED', `The connection to ${this.#parts.label} was closed.`)
  }
}

function lost(label: string, cause: Error | undefined): TetherError {
  const { closeCode } = (cause ?? {}) as { closeCode?: number }
  return new TetherError(
    'UNREACHABLE',
    `The connection to API Gateway at ${label} was lost: ${cause?.message ?? 'it is closing'}.`,
    { cause, ...(closeCode !== undefined && { details: { closeCode } }) },
  )
}
