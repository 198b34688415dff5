import type { TransportPricing } from '../contracts/transport.js'

/** Why something that arrived was dropped. */
export type DiscardReason =
  /** No frame or message of this protocol, or a type this version does not know. */
  | 'malformed'
  /** A frame of another protocol version. */
  | 'version'
  /** Sealed with a key that this side does not have. */
  | 'key'
  /** Forged, altered, or sealed for another receiver. */
  | 'forged'
  /** Over a limit. */
  | 'too-large'
  /** What the broker keeps under this session's name is not its last word; it has been said again. */
  | 'replayed'
  /** Two clocks are more than a day apart, or somebody forges. */
  | 'clock'
  /** An outcome that came after its invocation had ended. */
  | 'late'

/** One dropped arrival; never holds payloads or keys. */
export interface Discard {
  readonly reason: DiscardReason
  readonly message: string
  /** What the frame says of its sender: 38 letters; unproven unless `reason` is `late` or `clock`. */
  readonly from?: string
}

/** Counts, raised where things happen. */
export class Counters {
  received = 0
  answered = 0
  failed = 0
  declined = 0
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
  readonly #unitBytes: number
  readonly #times: number

  constructor(pricing?: TransportPricing) {
    this.#unitBytes = pricing?.unitBytes ?? Number.POSITIVE_INFINITY
    this.#times = pricing?.counts === 'sent' ? 1 : 2
  }

  frameSent(bytes: number): void {
    this.framesSent++
    this.frameBytesSent += bytes
    this.#meter(bytes)
  }

  frameReceived(bytes: number): void {
    this.framesReceived++
    this.frameBytesReceived += bytes
    this.#meter(bytes)
  }

  // Whoever sends it, it is the account's.
  #meter(bytes: number): void {
    this.meteredUnits += this.#times * Math.ceil(bytes / this.#unitBytes)
  }
}
