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

/** What a connection is made of. */
export interface ConnectionParts {
  readonly self: Endpoint
  readonly handlers: FrameHandlers
  /** The names of which `look` tells. */
  readonly watched: readonly string[]
  readonly posts: Posts
  readonly addresses: Addresses
  readonly clock: Clock
  /** Where it is connected to, for messages. */
  readonly label: string
  readonly expiresAt: number
}

// A session answers most of what a stub sends at once. What is posted to a connection that has died without a word is
// taken even so, until API Gateway notices after minutes: then the relay knows the session's newest. It is asked ever less
// often, since nothing answers the parts of a large message, nor copies of what the function itself answers.
const SILENT_MS = 500
const SILENT_AT_MOST_MS = 10_000

/**
 * One WebSocket of a session or of a stub. It receives everything by it; it sends by it through the relay until it
 * knows its own connection and the receiver's, and from then on by posts that run no function.
 */
export class ApiGatewayConnection implements Connection {
  readonly expiresAt: number
  readonly #parts: ConnectionParts
  readonly #relayed: Relayed
  /** Which sessions have left something unanswered: since when, and how long that is borne before the relay is asked. */
  readonly #silent = new Map<string, { readonly since: number; readonly forMs: number }>()
  #socket: TextSocket | undefined
  #resolveClosed: (reason: TetherError | undefined) => void = () => {}
  readonly closed: Promise<TetherError | undefined> = new Promise((resolve) => {
    this.#resolveClosed = resolve
  })
  /** This connection's own id, as soon as it was told. */
  #own: string | undefined
  /** The names for which something was kept when it looked last. */
  #looked: readonly string[] = []
  #closing = false
  #over: TetherError | undefined

  constructor(parts: ConnectionParts) {
    this.#parts = parts
    this.expiresAt = parts.expiresAt
    this.#relayed = new Relayed({ clock: parts.clock, write: (text) => this.#socket!.send(text) })
  }

  /** Takes its socket, which is open. */
  begin(socket: TextSocket): void {
    this.#socket = socket
    void socket.ended.then((cause) => {
      const reason = this.#closing ? undefined : lost(this.#parts.label, cause)
      this.#end(reason ?? this.#closedError())
      this.#resolveClosed(reason)
    })
  }

  /** Takes what the socket delivers. */
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
        // First, so that what waits for its turn goes directly.
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

  /** Both connections' ids, where a post can do. */
  #direct(to: Endpoint): { readonly own: string; readonly theirs: string } | undefined {
    const { self, posts, addresses } = this.#parts
    const own = this.#own
    // What a session says to its own name is for every other session of it.
    if (own === undefined || to.role === self.role || !posts.able) return undefined
    const theirs = addresses.get(to)
    return theirs === undefined ? undefined : { own, theirs }
  }

  #learn({ role, name, connectionId }: PeerAddress): void {
    const { self, addresses } = this.#parts
    if (role !== self.role) addresses.learn({ ...self, role, name }, connectionId)
  }

  // A stub answers nothing: to it there is only ever a last word.
  #sent(to: Endpoint): void {
    if (to.role !== 'session' || this.#silent.has(to.name)) return
    this.#silent.set(to.name, { since: this.#parts.clock.now(), forMs: SILENT_MS })
  }

  /** Whether this frame is the one that asks the relay, after a silence; the next is borne for longer. */
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
