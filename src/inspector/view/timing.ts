import type { RecordedTiming } from '../../recorder/record.js'

/** A part of an invocation's time, in milliseconds since its arrival. One that is a moment ends as it starts. */
export interface Span {
  readonly name: 'arrived' | 'acknowledged' | 'waited' | 'built' | 'loaded' | 'ran' | 'answered' | 'left'
  readonly startMs: number
  readonly endMs: number
}

/** What this machine's clock tells of an invocation, in order. */
export function spansOf({ receivedMs, ackedMs, endedMs }: RecordedTiming): readonly Span[] {
  const moment = (name: Span['name'], atMs: number | undefined): Span[] =>
    atMs === undefined ? [] : [{ name, startMs: atMs - receivedMs, endMs: atMs - receivedMs }]
  return [
    ...moment('arrived', receivedMs),
    ...moment('acknowledged', ackedMs),
    ...moment('answered', endedMs),
  ]
}
