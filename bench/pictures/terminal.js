import { escaped } from '../page/plot/picture.js'

const COLUMN = 7.8
const ROW = 19
const LEFT = 18
const TOP = 52
const MOST_COLUMNS = 110
/** Before a command is shown, so that the lines before it can be read. */
const READING_MS = 1600
/** A longer wait is cut to this. */
const LONGEST_WAIT_MS = 900
const FONT = 'ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace'

/**
 * An SVG of a terminal. The lines appear at their times, with readable pauses, and stay: viewers without animation see
 * all of them.
 * @param lines `{ kind: 'command' | 'output' | 'log', text, atMs }`
 */
export function terminal({ title, description, lines }) {
  const shown = lines.map(({ text, ...line }) => ({ ...line, text: shortened(text) }))
  const columns = Math.max(...shown.map(({ text }) => text.length)) + 2
  const width = Math.round(2 * LEFT + columns * COLUMN)
  const height = TOP + shown.length * ROW + 12
  const times = readableTimes(shown)
  const rows = shown.map(
    ({ kind, text }, i) =>
      `<text x="${LEFT}" y="${TOP + (i + 1) * ROW - 6}" class="${kind}" style="animation-duration:${Math.round(times[i])}ms">${
        kind === 'command' ? '<tspan class="prompt">$ </tspan>' : ''
      }${escaped(text)}</text>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" xml:space="preserve">
<title>${escaped(description)}</title>
<style>text{font:13px ${FONT};white-space:pre;fill:#e6edf3;animation:unseen 1ms}.log{fill:#9fb1c4}.output{fill:#7ee787}.prompt{fill:#79c0ff}.title{fill:#9198a1;animation:none}
@keyframes unseen{from,to{opacity:0}}@media(prefers-reduced-motion:reduce){text{animation:none}}</style>
<rect width="${width}" height="${height}" rx="8" fill="#0d1117" stroke="#3d444d"/>
<circle cx="20" cy="20" r="6" fill="#ff5f57"/><circle cx="40" cy="20" r="6" fill="#febc2e"/><circle cx="60" cy="20" r="6" fill="#28c840"/>
<text x="${width / 2}" y="25" class="title" text-anchor="middle">${escaped(title)}</text>
${rows.join('\n')}
</svg>
`
}

/** When each line appears: with its own pauses, but none too long, and time to read before each command. */
function readableTimes(lines) {
  let at = 0
  return lines.map(({ kind, atMs }, i) => {
    const pause = i === 0 ? 0 : atMs - lines[i - 1].atMs
    at += kind === 'command' && i > 0 ? READING_MS : Math.min(pause, LONGEST_WAIT_MS)
    return at
  })
}

const shortened = (text) => (text.length > MOST_COLUMNS ? `${text.slice(0, MOST_COLUMNS - 1)}…` : text)
