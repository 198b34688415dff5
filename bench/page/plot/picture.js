const FONT = 'system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif'
/** Colours by use: on a light page and on a dark page. */
const COLOURS = {
  text: ['#1f2328', '#e6edf3'],
  dim: ['#59636e', '#9198a1'],
  rule: ['#d1d9e0', '#3d444d'],
  floor: ['#afb8c1', '#59636e'],
  one: ['#0969da', '#4493f8'],
  two: ['#bc4c00', '#db6d28'],
  three: ['#1a7f37', '#3fb950'],
  four: ['#8250df', '#ab7df8'],
}

/** The classes of series, in order. */
export const SERIES = ['one', 'two', 'three', 'four']

/** An SVG that follows the reader's light or dark page. `body` uses the names of colours as classes. */
export function picture({ width, height, title, body }) {
  const rules = (index) =>
    Object.entries(COLOURS)
      .map(([name, { [index]: c }]) => `.${name}{fill:${c}}path.${name},circle.${name}{stroke:${c}}`)
      .join('')
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>${escaped(title)}</title>
<style>text{font:12px ${FONT}}.heading{font-weight:600}${rules(0)}
@media (prefers-color-scheme:dark){${rules(1)}}</style>
${body.join('\n')}
</svg>
`
}

/** Text at a place; `anchor` is SVG's `text-anchor`. */
export const label = (x, y, text, { colour = 'text', anchor = 'start', bold = false } = {}) =>
  `<text x="${at(x)}" y="${at(y)}" class="${colour}${bold ? ' heading' : ''}" text-anchor="${anchor}">${escaped(text)}</text>`

/** A coordinate, short. */
export const at = (value) => String(Math.round(value * 10) / 10)

/** Text as XML has it. */
export const escaped = (text) =>
  String(text).replace(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c])
