import type { TransportPricing } from '../contracts/transport.js'
import type { Counters, DiscardReason } from '../wire/counters.js'

/** Bodies of one direction, events received or responses sent, each time one travels. */
export interface BodyBytes {
  /** As local code reads and writes them. */
  readonly bytes: number
  /** As they travelled, compressed where that made them smaller. Equal to `bytes` where nothing did. */
  readonly compressedBytes: number
}

/** What a session has done since it was made; numbers only ever grow, but for `running` and `connections`. */
export interface SessionStats {
  /** Each is counted once, however often it arrives; `received` is the sum of `answered`, `failed`, `declined` and `running`. */
  readonly invocations: {
    readonly received: number
    readonly answered: number
    /** By local code, by `fail()`, at the deadline, or because the stub gave up. */
    readonly failed: number
    /** Of functions that are not served, and mirrored metadata that no listener took. */
    readonly declined: number
    readonly running: number
    /** Those that the card of another session of the team takes as well; counted above, too. */
    readonly overlaps: number
    /** Local replays, which are counted nowhere else. */
    readonly replayed: number
  }
  /** What the transport has accepted and delivered, in frames and in their bytes. */
  readonly frames: {
    readonly sent: number
    readonly sentBytes: number
    readonly received: number
    readonly receivedBytes: number
  }
  readonly bodies: { readonly received: BodyBytes; readonly sent: BodyBytes }
  /** What had to be sent again because a stub asked: whole answers, and parts of large messages. */
  readonly resends: { readonly answers: number; readonly parts: number }
  /** What arrived again and was dropped: frames, and invocations that a stub sent anew. */
  readonly duplicates: { readonly frames: number; readonly invocations: number }
  /** Bodies that went through the payload store. */
  readonly offloads: { readonly events: number; readonly responses: number }
  /** Arrivals that were dropped, by the reason of their `discard` event. */
  readonly discards: Readonly<Record<DiscardReason, number>>
  /** How many connections are up now. */
  readonly connections: number
  /** How long connections were up, in milliseconds; two at once count twice, as brokers do. */
  readonly connectedMs: number
  /**
   * What a broker meters for the session's frames: each with its topic, on its way in and, with most brokers, on its way
   * out, in units of `pricing.unitBytes`; and for opening connections, those of the execution environments included that the session
   * heard of. Absent where the transport has no `pricing`.
   */
  readonly meteredUnits?: number | undefined
  /**
   * The price of `meteredUnits` and of the session's own connection-minutes, in US dollars. Absent without `pricing`. An
   * estimate: it knows no free tier, no discount, and nothing of the minutes of the stubs' connections, of their later reconnects, or of the payload store.
   */
  readonly estimatedUsd?: number | undefined
}

/** The counts as users read them; a copy that does not change. */
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
