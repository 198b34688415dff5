import { bars } from '../plot/bars.js'
import { ms, plain, ratio, table } from '../text.js'

const NAMES = {
  inline: 'inline',
  threads: 'threads',
  processes: 'processes, Node',
  python: 'processes, Python',
}

export const executors = {
  benchmark: 'executors',
  title: 'Executors',
  runs: ({ quick }) => [{ label: 'executors', args: ['--count', quick ? '30' : '300'] }],
  write([[, figures]]) {
    const rows = Object.entries(NAMES).map(([name, label]) => ({ label, ...figures[name] }))
    const floor = figures.inline
    return [
      `What running an invocation costs beside the handler's own work, which answers with its event; a worker's first
invocation; and the memory of an idle worker. **Floor:** \`inline\`, which calls the handler in the session's own process.`,
      table(
        ['executor', '1 KB p50', 'ratio', '1 KB p99', '6 MB p50', 'ratio', 'cold p50', 'idle worker'],
        rows.map((row) => [
          row.label,
          ms(row.warm1kbP50Ms),
          ratio(row.warm1kbP50Ms, floor.warm1kbP50Ms),
          ms(row.warm1kbP99Ms),
          ms(row.warm6mbP50Ms),
          ratio(row.warm6mbP50Ms, floor.warm6mbP50Ms),
          ms(row.coldP50Ms),
          row.idleWorkerMb > 0 ? `${plain(row.idleWorkerMb)} MB` : '–',
        ]),
      ),
      {
        svg: 'executors',
        content: bars({
          title: "A worker's first invocation, p50",
          rows: rows.map(({ label, coldP50Ms }) => ({ label, value: coldP50Ms })),
          print: ms,
        }),
      },
    ]
  },
}
