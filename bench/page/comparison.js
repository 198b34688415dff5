import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bytes, ms, plain, table } from './text.js'

const COMPARED = { iot: '`iot()`', 'api-gateway': '`apiGateway()`' }
const START = '<!-- Written by `npm run -s bench -- all`: -->'
const END = '<!-- until here. -->'

/**
 * Writes the figures for choosing a transport, latency and cost, between the two marks of `transports.md`. Does nothing
 * if the folder has no such page, or a figure is missing.
 */
export async function writeComparison(folder, figures) {
  const path = join(folder, 'transports.md')
  const page = await readFile(path, 'utf8').catch(() => '')
  const start = page.indexOf(START)
  const end = page.indexOf(END, start)
  const written = comparison(figures)
  if (start < 0 || end < 0 || written === undefined) return
  await writeFile(path, `${page.slice(0, start + START.length)}\n${written}\n${page.slice(end)}`)
}

function comparison(figures) {
  const names = Object.keys(COMPARED)
  const resultsOf = (benchmark) => names.map((name) => figures.get(`${benchmark} ${name}`)?.result)
  const [warm, cold, units] = [resultsOf('roundtrip'), resultsOf('cold'), resultsOf('units')]
  if ([...warm, ...cold, ...units].includes(undefined)) return undefined
  return table(
    ['', ...Object.values(COMPARED)],
    [
      ['warm, 1 KB each way, no network between', ...warm.map(({ tetherP50Ms }) => ms(tetherP50Ms))],
      ['cold start, no network between', ...cold.map(({ coldMs0 }) => ms(coldMs0))],
      ['cold start, 45 ms from each side to the broker', ...cold.map(({ coldMs45 }) => ms(coldMs45))],
      ...units[0].rows.map((row, index) => [
        `a million invocations, ${bytes(row.bytes)} each way`,
        ...units.map(
          ({ rows }) => `$${plain(rows[index].usdPerMillion, 2)} (${plain(rows[index].messages)} messages)`,
        ),
      ]),
    ],
  )
}
