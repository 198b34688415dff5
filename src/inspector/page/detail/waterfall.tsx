import type { TimeSpan } from '../api/contract.js'
import { milliseconds } from '../format.js'

const ROW = 20
const NAMES_WIDTH = 96
const WIDTH = 640
const TIMES_WIDTH = 76
const BARS_WIDTH = WIDTH - NAMES_WIDTH - TIMES_WIDTH

/** Where the time went, as far as the clock of this machine tells. */
export function Waterfall({ timing }: { readonly timing: readonly TimeSpan[] }) {
  if (timing.length === 0) return <p class="quiet">Nothing was measured.</p>
  const start = Math.min(...timing.map(({ startMs }) => startMs))
  const end = Math.max(...timing.map(({ endMs }) => endMs))
  const x = (ms: number) => NAMES_WIDTH + ((ms - start) / Math.max(end - start, 0.001)) * BARS_WIDTH
  const said = timing.map(
    ({ name, startMs, endMs }) => `${words(name)} ${span(startMs - start, endMs - startMs)}`,
  )
  return (
    <svg
      class="waterfall"
      viewBox={`0 0 ${WIDTH} ${timing.length * ROW}`}
      role="img"
      aria-label={said.join(', ')}
    >
      {timing.map(({ name, startMs, endMs }, index) => (
        <g key={name}>
          <text x={0} y={index * ROW + 14}>
            {words(name)}
          </text>
          <rect
            class={`span s-${/^[a-z]+$/.test(name) ? name : 'other'}`}
            x={Math.min(x(startMs), WIDTH - TIMES_WIDTH - 2)}
            y={index * ROW + 4}
            width={Math.max(2, x(endMs) - x(startMs))}
            height={ROW - 8}
          />
          <text class="time" x={WIDTH} y={index * ROW + 14} text-anchor="end">
            {span(startMs - start, endMs - startMs)}
          </text>
        </g>
      ))}
    </svg>
  )
}

/** `firstByte` as `first byte`. */
function words(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}

function span(afterMs: number, lastedMs: number): string {
  return lastedMs > 0 ? milliseconds(lastedMs) : `at ${milliseconds(afterMs)}`
}
