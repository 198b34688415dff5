import type { TetherError } from '../base/errors.js'
import { wholeNumber } from '../base/option-checks.js'
import { invalidOption, mustBe } from '../base/options.js'
import type { DiagnosisOptions, TransportDiagnosis } from './diagnosis.js'

/**
 * A party to a conversation, by logical name. A transport maps it to the broker's terms (a topic, a channel, a
 * connection id); nothing above the transport sees those.
 */
export interface Endpoint {
  /** The application: with `stage`, the namespace in which names are unique. */
  readonly app: string
  readonly stage: string
  /** `session` is the developer's side, `stub` the execution environment's. */
  readonly role: 'session' | 'stub'
  /**
   * The session's name, any text of 1 to 100 bytes of UTF-8 without a comma; or the execution environment's id, 22
   * characters of base64url.
   */
  readonly name: string
  /**
   * One of a session's 16 lanes, from 0. Omit in `connect` to receive every lane; transports without `serve` always do.
   */
  readonly lane?: number | undefined
}

/** How many lanes a session's name has. Fixed, so that a stub finds one without asking. */
export const LANES = 16

/** The longest part of an {@link Endpoint}, in bytes of UTF-8. */
export const MAX_ENDPOINT_PART_BYTES = 100

/** The last argument of every call that waits. */
export interface AbortOptions {
  readonly signal?: AbortSignal | undefined
}

/** The limits of a transport. The core keeps every frame and every rate within them. */
export interface TransportLimits {
  /** The largest frame that `send` accepts, in bytes as this package hands them over. */
  readonly frameBytes: number
  /** The limit of one connection per second; absent if the broker sets no rate. */
  readonly rate?:
    | {
        readonly frames: number
        readonly bytes?: number | undefined
        /** Whether the broker counts only frames that a connection sends, or also frames that it receives. */
        readonly counts: 'sent' | 'sent+received'
      }
    | undefined
}

/** A broker's prices, for estimates. */
export interface TransportPricing {
  readonly unitBytes: number
  readonly usdPerMillionUnits: number
  readonly usdPerMillionMinutes: number
  /** Whether a frame is metered once, or both on its way in and on its way out. @default 'sent+received' */
  readonly counts?: 'sent' | 'sent+received' | undefined
  /** Units for opening one connection, as AWS IoT meters CONNECT and SUBSCRIBE. @default 0 */
  readonly unitsPerConnection?: number | undefined
  /** Bytes of the receiver's address that are metered with each frame, such as a topic. @default 0 */
  addressBytes?(to: Endpoint): number
}

/** Called by a connection for arriving frames. */
export interface FrameHandlers {
  /** One frame, as sent. Called synchronously per frame; never throws. The bytes are the receiver's to keep. */
  onFrame(frame: Uint8Array): void
  /**
   * The frame kept for a session's name in `watch`: once after connecting, if there is one, and at each change. On a
   * transport that must be asked, at each `look`.
   */
  onKept?(frame: Uint8Array, name: string): void
}

/** Options of `connect`. */
export interface ConnectOptions extends AbortOptions {
  /**
   * Sessions of this application and stage: `onKept` receives their kept frames. At most seven, a session's own first.
   * Ignored by a transport that keeps no frames.
   */
  readonly watch?: readonly Endpoint[] | undefined
  /**
   * The frame that the broker keeps for `self` when the connection ends without `close()`. Ignored by a transport that
   * keeps no frames.
   */
  readonly will?: Uint8Array | undefined
  /** The connecting session, for a broker that must choose between two sessions of one name. Absent for a stub. */
  readonly identity?: SessionIdentity | undefined
  /**
   * Proves that a session has its stage's key: the Ed25519 signature, 64 bytes, of a purpose and its parts (see
   * docs/protocol.md). Absent for a stub.
   */
  readonly sign?: ((purpose: string, ...parts: readonly (string | number)[]) => Uint8Array) | undefined
}

/** Decides between two sessions of one name: the greater epoch wins, and of equal epochs the greater id. */
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
   * How the broker keeps the last frame of a session's name for later subscribers (MQTT's retained messages); absent if
   * it does not. `everyMs`: how often that frame may be replaced, in milliseconds. `onRequest`: the broker keeps a
   * frame only as long as its connection lasts, and delivers it only in answer to {@link Connection.look}; only
   * sessions that share a stage use that.
   */
  readonly keeps?: { readonly everyMs: number; readonly onRequest?: boolean | undefined } | undefined
  /**
   * Whether connections report kept frames without keeping any themselves, like a transport for stubs alone.
   * @default as `keeps`
   */
  readonly watches?: boolean | undefined
  /**
   * For messages to people: the broker's name of the place where an endpoint's frames are sent or its last frame is
   * kept, such as a topic. A transport with this method also delivers a session's frames to its own name back to it;
   * the session reports when they do not come back.
   */
  describe?(endpoint: Endpoint, what: 'frames' | 'kept'): string
  /** Checks for `diagnose()` to run before connecting. Without them, it only tries to connect. */
  diagnosis?(options?: DiagnosisOptions): TransportDiagnosis
  /**
   * Opens one connection that receives the frames sent to `self`. Resolves once frames to `self` arrive.
   * @throws TetherError `UNREACHABLE`, with `details.refused` if the broker was reached and ended the attempt because
   * it does not accept this client, its credentials or its rights; `ABORTED`, `MISSING_DEPENDENCY`. `closed` resolves
   * to an error with `details.refused` if the broker probably ended the connection because of a frame sent on it
   */
  connect(self: Endpoint, handlers: FrameHandlers, options?: ConnectOptions): Promise<Connection>
}

/** One connection, used once: when it drops, `closed` resolves and the core opens another. */
export interface Connection extends AsyncDisposable {
  /**
   * Sends one frame. Done when the broker has accepted the frame or, if it does not confirm, when it is written: the
   * bytes then belong to the caller again.
   * @returns undefined if already done, which is cheaper; otherwise a promise. Failures are rejections of that promise
   * @throws TetherError `UNREACHABLE`, with `details.absent` if the broker knows that the receiver is not connected;
   * `TOO_LARGE`, `THROTTLED`, `CLOSED`, `ABORTED`
   */
  send(to: Endpoint, frame: Uint8Array, options?: AbortOptions): Promise<void> | undefined
  /**
   * Sets the session's lanes that this connection receives from now on. Until called, it receives all of them, or the
   * lane it was opened with. Lanes that it had and keeps lose nothing meanwhile.
   * @throws TetherError `UNREACHABLE`, `CLOSED`
   */
  serve?(lanes: readonly number[]): Promise<void>
  /**
   * Replaces the frame that the broker keeps for this session's name. Present if the transport `keeps`.
   * @throws the errors of `send`
   */
  keep?(frame: Uint8Array): Promise<void>
  /**
   * Asks for the kept frames of the names in `watch`, and passes each to `onKept` before it resolves. Present if the
   * transport keeps `onRequest`.
   * @returns the names with a kept frame
   * @throws the errors of `send`
   */
  look?(): Promise<readonly string[]>
  /** Names of `watch` that the broker does not let this client watch; absent if it watches all of them. */
  readonly unwatched?: readonly string[] | undefined
  /** When the broker will end it, in Unix milliseconds; absent if unknown. */
  readonly expiresAt?: number | undefined
  /** Never rejects. Resolves to the reason of its end, or to undefined after `close()`. */
  readonly closed: Promise<TetherError | undefined>
  /** Idempotent; resolves when all resources of the connection are released. */
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

/** The smallest frame limit of a transport: below it, a header leaves no room for content. */
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

/**
 * Checks a session's name: like an endpoint's part, but without a comma, which separates names in a list.
 * @throws TetherError `INVALID_OPTION`
 */
export function checkName(name: string, value: unknown): void {
  checkPart(name, value)
  if ((value as string).includes(','))
    throw invalidOption(name, 'has a comma, which separates names in a list; a name has none')
}
