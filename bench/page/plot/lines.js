import { at, label, picture, SERIES } from './picture.js'

const WIDTH = 720
const HEIGHT = 300
const LEFT = 60
const RIGHT = 190
const TOP = 48
const BOTTOM = 46
const TICKS = 4

/**
 * Lines over a common axis from zero.
 * @param series `{ name, points: [[x, y]], limit }`; a series with `limit` is dashed and has the colour of the series
 * before it.
 */
export function lines({ title, xName, yName, series }) {
  const points = series.flatMap((line) => line.points)
  const xMost = Math.max(...points.map(([x]) => x))
  const yMost = niceCeiling(Math.max(...points.map(([, y]) => y)))
  const x = (value) => LEFT + ((WIDTH - LEFT - RIGHT) * value) / xMost
  const y = (value) => HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * value) / yMost
  const body = [label(0, 16, title, { bold: true }), label(0, 34, yName, { colour: 'dim' })]
  for (let i = 0; i <= TICKS; i++) {
    const value = (yMost * i) / TICKS
    body.push(`<path d="M${LEFT} ${at(y(value))}H${WIDTH - RIGHT}" class="rule" stroke-width="1"/>`)
    body.push(label(LEFT - 8, y(value) + 4, number(value), { colour: 'dim', anchor: 'end' }))
  }
  for (const value of new Set(points.map(([value]) => value)))
    body.push(label(x(value), HEIGHT - BOTTOM + 18, number(value), { colour: 'dim', anchor: 'middle' }))
  body.push(label(x(xMost), HEIGHT - 8, xName, { colour: 'dim', anchor: 'end' }))

  let colour = -1
  const names = []
  for (const { name, points, limit = false } of series) {
    if (!limit) colour++
    const line = points.map(([px, py], i) => `${i === 0 ? 'M' : 'L'}${at(x(px))} ${at(y(py))}`).join('')
    const style = `class="${SERIES[colour % SERIES.length]}" stroke-width="${limit ? 1 : 2}"`
    body.push(`<path d="${line}" ${style} style="fill:none"${limit ? ' stroke-dasharray="4 4"' : ''}/>`)
    for (const [px, py] of limit ? [] : points)
      body.push(`<circle cx="${at(x(px))}" cy="${at(y(py))}" r="3" ${style}/>`)
    names.push({ name, y: y(points.at(-1)[1]), colour: limit ? 'dim' : SERIES[colour % SERIES.length] })
  }
  for (const { name, y: nameY, colour: nameColour } of apart(names))
    body.push(label(WIDTH - RIGHT + 10, nameY + 4, name, { colour: nameColour }))
  return picture({ width: WIDTH, height: HEIGHT, title, body })
}

// Names at the ends of lines that end close together are moved down.
function apart(names) {
  const sorted = [...names].sort((a, b) => a.y - b.y)
  for (let i = 1; i < sorted.length; i++) sorted[i].y = Math.max(sorted[i].y, sorted[i - 1].y + 15)
  return sorted
}

function niceCeiling(value) {
  const power = 10 ** Math.floor(Math.log10(value))
  return [1, 2, 4, 5, 8, 10].find((step) => step * power >= value) * power
}

const number = (value) => value.toLocaleString('en', { maximumFractionDigits: 1 })
