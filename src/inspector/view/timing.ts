import type { StreamSummary } from '../../core/session/events.js'
import type { RecordedTiming } from '../../recorder/record.js'

/** A part of an invocation's time, in milliseconds since its arrival. A moment has the same start and end. */
export interface Span {
  readonly name:
    | 'arrived'
    | 'acknowledged'
    | 'waited'
    | 'built'
    | 'loaded'
    | 'ran'
    | 'firstByte'
    | 'streamed'
    | 'answered'
    | 'left'
  readonly startMs: number
  readonly endMs: number
}

/**
 * Returns the parts of an invocation's time by this machine's clock, in order.
 * @param stream up to now if it goes on
 */
export function spansOf(timing: RecordedTiming, stream?: StreamSummary): readonly Span[] {
  const { receivedMs, ackedMs, builtMs, assignedMs, loadedMs, ranMs, endedMs, sentMs } = timing
  const span = (name: Span['name'], from: number | undefined, to: number | undefined): Span[] =>
    from === undefined || to === undefined
      ? []
      : [{ name, startMs: tenths(from - receivedMs), endMs: tenths(to - receivedMs) }]
  const firstMs = stream?.chunks[0]?.atMs
  return [
    ...span('arrived', receivedMs, receivedMs),
    ...span('acknowledged', ackedMs, ackedMs),
    ...span('built', receivedMs, builtMs),
    ...span('waited', builtMs, assignedMs),
    ...span('loaded', assignedMs, loadedMs),
    ...span('ran', loadedMs ?? assignedMs ?? builtMs, ranMs),
    ...span('firstByte', firstMs, firstMs),
    ...span('streamed', firstMs, endedMs ?? stream?.chunks.at(-1)?.atMs),
    ...span('answered', endedMs, endedMs),
    ...span('left', endedMs, sentMs),
  ]
}

function tenths(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10
}
