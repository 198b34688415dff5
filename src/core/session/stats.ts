import type { TransportPricing } from '../contracts/transport.js'
import type { Counters, DiscardReason } from '../wire/counters.js'

/** Bodies of one direction, events received or responses sent, counted each time they travel. */
export interface BodyBytes {
  /** The size that local code reads and writes. */
  readonly bytes: number
  /** The size that travelled, compressed if that made it smaller; otherwise equal to `bytes`. */
  readonly compressedBytes: number
}

/** Counts since the session was made. Numbers only grow, except `running` and `connections`. */
export interface SessionStats {
  /**
   * Each is counted once, however often it arrives; `received` is the sum of `answered`, `failed`, `declined` and
   * `running`.
   */
  readonly invocations: {
    readonly received: number
    readonly answered: number
    /** By local code, by `fail()`, at the deadline, or because the stub gave up. */
    readonly failed: number
    /** Invocations of functions that are not served, and mirrored metadata that no listener took. */
    readonly declined: number
    readonly running: number
    /** Invocations that another team member's card takes as well; included in the counts above. */
    readonly overlaps: number
    /** Local replays, not included in the other counts. */
    readonly replayed: number
  }
  /** Frames, and their bytes, that the transport has accepted and delivered. */
  readonly frames: {
    readonly sent: number
    readonly sentBytes: number
    readonly received: number
    readonly receivedBytes: number
  }
  readonly bodies: { readonly received: BodyBytes; readonly sent: BodyBytes }
  /** Messages sent again because a stub asked: whole answers, and parts of large messages. */
  readonly resends: { readonly answers: number; readonly parts: number }
  /** Repeated arrivals that were dropped: frames, and invocations that a stub sent again. */
  readonly duplicates: { readonly frames: number; readonly invocations: number }
  /** Bodies that went through the payload store. */
  readonly offloads: { readonly events: number; readonly responses: number }
  /** Dropped arrivals by the reason of their `discard` event. */
  readonly discards: Readonly<Record<DiscardReason, number>>
  /** How many connections are up now. */
  readonly connections: number
  /** Total time of connections, in milliseconds; two at once count twice, as brokers count. */
  readonly connectedMs: number
  /**
   * Units that a broker meters for the session: each frame with its topic, on its way in and, with most brokers, on its
   * way out, in units of `pricing.unitBytes`; and the opening of connections, including connections of execution
   * environments known to the session. Absent if the transport has no `pricing`.
   */
  readonly meteredUnits?: number | undefined
  /**
   * The price of `meteredUnits` and of the session's own connection-minutes, in US dollars. Absent without `pricing`.
   * An estimate: it ignores free tiers and discounts, the stubs' connection-minutes and later reconnects, and the
   * payload store.
   */
  readonly estimatedUsd?: number | undefined
}

/** A snapshot of the counts for users. */
export function sessionStats(
  counters: Counters,
  { connections, connectedMs }: { readonly connections: number; readonly connectedMs: number },
  pricing: TransportPricing | undefined,
): SessionStats {
  const { received, answered, failed, declined, replayed, overlaps, meteredUnits } = counters
  const running = received - answered - failed - declined
  return {
    invocations: { received, answered, failed, declined, running, replayed, overlaps },
    frames: {
      sent: counters.framesSent,
      sentBytes: counters.frameBytesSent,
      received: counters.framesReceived,
      receivedBytes: counters.frameBytesReceived,
    },
    bodies: {
      received: { bytes: counters.bodyBytesReceived, compressedBytes: counters.compressedBytesReceived },
      sent: { bytes: counters.bodyBytesSent, compressedBytes: counters.compressedBytesSent },
    },
    resends: { answers: counters.answersResent, parts: counters.partsResent },
    duplicates: { frames: counters.duplicateFrames, invocations: counters.duplicateInvocations },
    offloads: { events: counters.eventsOffloaded, responses: counters.responsesOffloaded },
    discards: { ...counters.discards },
    connections,
    connectedMs,
    ...(pricing === undefined ? {} : { meteredUnits, estimatedUsd: usd(pricing, meteredUnits, connectedMs) }),
  }
}

function usd(pricing: TransportPricing, units: number, connectedMs: number): number {
  const { usdPerMillionUnits, usdPerMillionMinutes } = pricing
  return (units * usdPerMillionUnits + (connectedMs / 60_000) * usdPerMillionMinutes) / 1e6
}
