import type { TetherError } from '../base/errors.js'
import { wholeNumber } from '../base/option-checks.js'
import { invalidOption, mustBe } from '../base/options.js'
import type { DiagnosisOptions, TransportDiagnosis } from './diagnosis.js'

/**
 * Who is spoken to: a logical name. A transport maps it to what its broker knows (a topic, a channel, a
 * connection id); nothing above the transport sees those.
 */
export interface Endpoint {
  /** The application: with `stage`, the namespace in which names are unique. */
  readonly app: string
  readonly stage: string
  /** `session` is the developer's side, `stub` the execution environment's. */
  readonly role: 'session' | 'stub'
  /**
   * The session's name, any text of 1 to 100 bytes of UTF-8 without a comma; or the execution environment's id, 22 characters
   * of base64url.
   */
  readonly name: string
  /** One of a session's 16 lanes, from 0; absent in `connect` for one that receives all of them, as every session does whose connections cannot `serve`. */
  readonly lane?: number | undefined
}

/** How many lanes a session's name has, fixed so that a stub needs to learn nothing to find one. */
export const LANES = 16

/** The longest part of an {@link Endpoint}, in bytes of UTF-8. */
export const MAX_ENDPOINT_PART_BYTES = 100

/** What every waiting call takes last. */
export interface AbortOptions {
  readonly signal?: AbortSignal | undefined
}

/** What a transport can carry. The core keeps every frame and every rate within these. */
export interface TransportLimits {
  /** The largest frame `send` accepts, in bytes as this package hands them over. */
  readonly frameBytes: number
  /** What one connection may carry in a second; absent where the broker sets no rate. */
  readonly rate?:
    | {
        readonly frames: number
        readonly bytes?: number | undefined
        /** Whether the broker counts what a connection sends, or also what it receives. */
        readonly counts: 'sent' | 'sent+received'
      }
    | undefined
}

/** What a broker charges, for estimates. */
export interface TransportPricing {
  readonly unitBytes: number
  readonly usdPerMillionUnits: number
  readonly usdPerMillionMinutes: number
  /** Whether a frame is metered once, or on its way in and on its way out. @default 'sent+received' */
  readonly counts?: 'sent' | 'sent+received' | undefined
  /** Units of opening one connection, as AWS IoT meters CONNECT and SUBSCRIBE. @default 0 */
  readonly unitsPerConnection?: number | undefined
  /** What of a frame's receiver is metered with the frame, in bytes, as a topic is. @default 0 */
  addressBytes?(to: Endpoint): number
}

/** Called by a connection for what arrives. */
export interface FrameHandlers {
  /** One frame, as sent. Called synchronously per frame; never throws. The bytes are the receiver's to keep. */
  onFrame(frame: Uint8Array): void
  /**
   * What is kept for a session's name that `watch` gives: once after connecting where there is any, and at each change; where a
   * transport has to be asked, at each `look`.
   */
  onKept?(frame: Uint8Array, name: string): void
}

/** What `connect` takes. */
export interface ConnectOptions extends AbortOptions {
  /**
   * The sessions, of this application and stage, whose kept frames `onKept` gets; at most seven, a session's own first. Ignored by
   * a transport that keeps none.
   */
  readonly watch?: readonly Endpoint[] | undefined
  /** What the broker keeps for `self` when the connection ends without `close()`. Ignored by a transport that keeps none. */
  readonly will?: Uint8Array | undefined
  /** The session that connects, for a broker that has to choose between two of one name. Absent for a stub. */
  readonly identity?: SessionIdentity | undefined
  /**
   * Proves that a session has its stage's key: the Ed25519 signature, 64 bytes, of a purpose and its parts (see
   * docs/protocol.md). Absent for a stub.
   */
  readonly sign?: ((purpose: string, ...parts: readonly (string | number)[]) => Uint8Array) | undefined
}

/** Which session has a name: of two, the one with the greater epoch, and of equal epochs the greater id. */
export interface SessionIdentity {
  /** Random, at most 100 bytes of ASCII without spaces. */
  readonly session: string
  readonly epoch: number
}

/** Moves opaque frames between endpoints. Knows nothing of invocations. May lose, repeat and reorder them. */
export interface Transport {
  /** For messages and statistics: `memory`, `mqtt`, `iot`. */
  readonly name: string
  readonly limits: TransportLimits
  readonly pricing?: TransportPricing | undefined
  /**
   * How the broker keeps the last frame of a session's name for who connects later (MQTT's retained messages);
   * absent where it does not. `everyMs`: how often that frame may be replaced, in milliseconds. `onRequest`: it keeps a frame no longer
   * than its connection lasts, and tells of it only who asks by {@link Connection.look}; sessions that share a stage alone use that.
   */
  readonly keeps?: { readonly everyMs: number; readonly onRequest?: boolean | undefined } | undefined
  /** Whether connections tell what is kept although they keep nothing themselves, as a transport for stubs alone does. @default as `keeps` */
  readonly watches?: boolean | undefined
  /**
   * For messages to people: what the broker calls the place that an endpoint's frames are sent to, or at which its last frame is
   * kept, such as a topic. A transport that has it delivers what a session sends to its own name to that session as well; where
   * nothing comes back, the session says so.
   */
  describe?(endpoint: Endpoint, what: 'frames' | 'kept'): string
  /** For `diagnose()`: what can be looked into before anything connects. Absent, connecting alone is tried. */
  diagnosis?(options?: DiagnosisOptions): TransportDiagnosis
  /**
   * Opens one connection that receives what is sent to `self`. Resolves when frames to `self` arrive.
   * @throws TetherError `UNREACHABLE`, with `details.refused` where the broker was reached and ended the attempt: it does not
   * accept this client, its credentials or its rights; `ABORTED`, `MISSING_DEPENDENCY`. `closed` resolves to an error with
   * `details.refused` where the broker probably ended the connection for what was sent on it
   */
  connect(self: Endpoint, handlers: FrameHandlers, options?: ConnectOptions): Promise<Connection>
}

/** One connection, alive once: when it drops, `closed` resolves and the core opens another. */
export interface Connection extends AsyncDisposable {
  /**
   * Sends one frame. Done when the broker has accepted it or, where it says nothing, when it is written: from then on its bytes
   * are the caller's again.
   * @returns undefined when it is done already, which is cheaper; else a promise. What fails is a promise that rejects
   * @throws TetherError `UNREACHABLE`, with `details.absent` where the broker knows that nobody receives there;
   * `TOO_LARGE`, `THROTTLED`, `CLOSED`, `ABORTED`
   */
  send(to: Endpoint, frame: Uint8Array, options?: AbortOptions): Promise<void> | undefined
  /**
   * Which of the session's lanes this connection receives from now on; until called, all of them, or the one it was
   * opened with. Lanes that it had and keeps lose nothing meanwhile.
   * @throws TetherError `UNREACHABLE`, `CLOSED`
   */
  serve?(lanes: readonly number[]): Promise<void>
  /**
   * Replaces what the broker keeps for this session's name. Present where the transport `keeps`.
   * @throws what `send` throws
   */
  keep?(frame: Uint8Array): Promise<void>
  /**
   * Asks what is kept for the names that `watch` gave, and tells each by `onKept` before it resolves. Present where the transport keeps
   * `onRequest`.
   * @returns the names for which something is kept
   * @throws what `send` throws
   */
  look?(): Promise<readonly string[]>
  /** Names of `watch` that the broker does not let this client watch; absent where it watches all of them. */
  readonly unwatched?: readonly string[] | undefined
  /** When the broker will end it, in Unix milliseconds; absent where it does not say. */
  readonly expiresAt?: number | undefined
  /** Never rejects: why it ended, or undefined after `close()`. */
  readonly closed: Promise<TetherError | undefined>
  /** Idempotent; resolves when nothing of the connection is left. */
  close(): Promise<void>
}

/**
 * Checks an endpoint's parts.
 * @throws TetherError `INVALID_OPTION` naming the part
 */
export function checkEndpoint(endpoint: Endpoint): Endpoint {
  for (const part of ['app', 'stage'] as const) checkPart(part, endpoint[part])
  checkName('name', endpoint.name)
  return endpoint
}

/** The least that a transport must carry at once: less would leave a header no room. */
export const MIN_FRAME_BYTES = 1_024

/** Checks that an option is a transport. @throws TetherError `INVALID_OPTION` */
export function checkTransport(name: string, value: unknown): void {
  const { connect, limits } = (value ?? {}) as Partial<Transport>
  if (typeof connect !== 'function' || typeof limits !== 'object' || limits === null) {
    throw invalidOption(name, 'must be a transport, such as iot() or mqtt({ url })')
  }
  wholeNumber(MIN_FRAME_BYTES)(`${name}.limits.frameBytes`, limits.frameBytes)
}

/** Checks one part of an endpoint, under the option's name. @throws TetherError `INVALID_OPTION` */
export function checkPart(name: string, value: unknown): void {
  const words = `a text of 1 to ${MAX_ENDPOINT_PART_BYTES} bytes`
  mustBe(words, typeof value === 'string' && value !== '', name, value)
  const bytes = Buffer.byteLength(value as string)
  if (bytes > MAX_ENDPOINT_PART_BYTES)
    throw invalidOption(name, `has ${bytes} bytes of UTF-8; at most ${MAX_ENDPOINT_PART_BYTES} are allowed`)
}

/** Checks a session's name: a part without a comma, which separates names in a list. @throws TetherError `INVALID_OPTION` */
export function checkName(name: string, value: unknown): void {
  checkPart(name, value)
  if ((value as string).includes(','))
    throw invalidOption(name, 'has a comma, which separates names in a list; a name has none')
}
