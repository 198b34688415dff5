import { grouped } from '../page/text.js'

const TOP = 20
const LINE = 110

/** Lists the greatest costs of one part of a benchmark, as text. @param times see `timesOf` */
export function report({ part, count, busyMs, places }) {
  const top = places.sort((a, b) => b.chargedMs - a.chargedMs).slice(0, TOP)
  const rows = top.map(({ name, text, selfMs, chargedMs }) =>
    `${cell(chargedMs)}${cell(selfMs)}  ${name}  ${text}`.slice(0, LINE).trimEnd(),
  )
  const title = `${part} (${count}): ${grouped(busyMs)} ms busy`
  return [
    '',
    title,
    '   charged      self  (ms; charged: with what Node and packages did for it)',
    ...rows,
  ].join('\n')
}

const cell = (ms) => grouped(ms, 1).padStart(10)
