import { at, label, picture, SERIES } from './picture.js'

const WIDTH = 720
const LEFT = 210
const RIGHT = 130
const TOP = 44
const BAR = 13
const GAP = 16
/** If the greatest value is this many times the least, the scale is logarithmic. */
const LOGARITHMIC_FROM = 40

/**
 * Bars, each above its floor.
 * @param rows `{ label, value, floor }`; without a floor there is one bar.
 * @param print a value as text
 */
export function bars({ title, rows, print }) {
  const values = rows.flatMap(({ value, floor }) => [value, floor]).filter((value) => value > 0)
  const [least, greatest] = [Math.min(...values), Math.max(...values)]
  const logarithmic = greatest / least > LOGARITHMIC_FROM
  const start = Math.log(least / 2)
  const room = WIDTH - LEFT - RIGHT
  const length = (value) =>
    Math.max(
      1,
      logarithmic
        ? (room * (Math.log(value) - start)) / (Math.log(greatest) - start)
        : (room * value) / greatest,
    )
  const body = [label(0, 16, title, { bold: true })]
  if (logarithmic) body.push(label(WIDTH, 16, 'logarithmic', { colour: 'dim', anchor: 'end' }))
  let y = TOP
  for (const { label: name, value, floor } of rows) {
    body.push(label(LEFT - 10, y + 10, name, { anchor: 'end' }))
    body.push(bar(y, length(value), SERIES[0]), label(LEFT + length(value) + 6, y + 11, print(value)))
    y += BAR
    if (floor > 0) {
      const text = `floor ${print(floor)}`
      body.push(bar(y, length(floor), 'floor'))
      body.push(label(LEFT + length(floor) + 6, y + 11, text, { colour: 'dim' }))
      y += BAR
    }
    y += GAP
  }
  return picture({ width: WIDTH, height: y, title, body })
}

const bar = (y, width, colour) =>
  `<rect x="${LEFT}" y="${at(y)}" width="${at(width)}" height="${BAR - 1}" class="${colour}"/>`
