import type { Endpoint, Transport, TransportPricing } from '../contracts/transport.js'

/** Why an arrival was dropped. */
export type DiscardReason =
  /** Not a frame or message of this protocol, or of a type unknown to this version. */
  | 'malformed'
  /** A frame of another protocol version. */
  | 'version'
  /** Sealed with a key that this side does not have. */
  | 'key'
  /** Forged, altered, or sealed for another receiver. */
  | 'forged'
  /** Over a limit. */
  | 'too-large'
  /** The broker keeps an outdated presence under this session's name; the session has published its own again. */
  | 'replayed'
  /** Two clocks differ by more than a day, or a message was forged. */
  | 'clock'
  /** An outcome that came after its invocation had ended. */
  | 'late'

/** One dropped arrival; never holds payloads or keys. */
export interface Discard {
  readonly reason: DiscardReason
  readonly message: string
  /** The sender that the frame claims: 38 letters; unproven unless `reason` is `late` or `clock`. */
  readonly from?: string
}

/** Counts, raised by the code that they measure. */
export class Counters {
  received = 0
  answered = 0
  failed = 0
  declined = 0
  overlaps = 0
  replayed = 0
  framesSent = 0
  frameBytesSent = 0
  framesReceived = 0
  frameBytesReceived = 0
  bodyBytesReceived = 0
  compressedBytesReceived = 0
  bodyBytesSent = 0
  compressedBytesSent = 0
  answersResent = 0
  partsResent = 0
  duplicateFrames = 0
  duplicateInvocations = 0
  eventsOffloaded = 0
  responsesOffloaded = 0
  meteredUnits = 0
  readonly discards: Record<DiscardReason, number> = {
    malformed: 0,
    version: 0,
    key: 0,
    forged: 0,
    'too-large': 0,
    replayed: 0,
    clock: 0,
    late: 0,
  }
  readonly #pricing: TransportPricing | undefined
  readonly #times: number

  readonly #keeps: boolean

  constructor({ pricing, keeps }: Pick<Transport, 'pricing' | 'keeps'> = {}) {
    this.#pricing = pricing
    this.#keeps = keeps !== undefined && keeps.onRequest !== true
    this.#times = pricing?.counts === 'sent' ? 1 : 2
  }

  frameSent(to: Endpoint, bytes: number): void {
    this.framesSent++
    this.frameBytesSent += bytes
    this.#meter(to, bytes, this.#times)
  }

  frameReceived(to: Endpoint, bytes: number): void {
    this.framesReceived++
    this.frameBytesReceived += bytes
    this.#meter(to, bytes, this.#times)
  }

  /** AWS IoT meters a retained message twice. */
  frameKept(of: Endpoint, bytes: number): void {
    this.#meter(of, bytes, 2)
  }

  keptReceived(of: Endpoint, bytes: number): void {
    this.#meter(of, bytes, 1)
  }

  connected(): void {
    this.meteredUnits += this.#pricing?.unitsPerConnection ?? 0
  }

  /** Counts an environment's connection, and the delivery of the session's presence if the broker keeps one. */
  environmentHeard(): void {
    if (this.#pricing === undefined) return
    this.connected()
    if (this.#keeps) this.meteredUnits++
  }

  // The account pays for frames of either side.
  #meter(to: Endpoint, bytes: number, times: number): void {
    if (this.#pricing === undefined) return
    const { unitBytes } = this.#pricing
    const metered = bytes + (this.#pricing.addressBytes?.(to) ?? 0)
    this.meteredUnits += times * Math.ceil(metered / unitBytes)
  }
}
