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
    return [
      `The cost of an invocation beside the handler's own work, which answers with its event; a worker's first invocation; and the memory of an idle worker. **Floors:** a thread that echoes messages, and a Node process that echoes over one
HTTP connection, which is kept open: both parse and print the event, as a runtime has to, and do nothing else; and the start
and end of a thread or a process with an empty file. \`inline\` calls the handler in the session's own process.`,
      table(
        ['executor', '1 KB p50', 'bare', 'ratio', '1 KB p99', '6 MB p50', 'bare', 'ratio'],
        rows.map((row) => [
          row.label,
          ...besides(row.warm1kbP50Ms, row.bare1kbP50Ms),
          ms(row.warm1kbP99Ms),
          ...besides(row.warm6mbP50Ms, row.bare6mbP50Ms),
        ]),
      ),
      table(
        ['executor', 'first invocation p50', 'empty', 'ratio', 'idle worker'],
        rows
          .filter(({ emptyP50Ms }) => emptyP50Ms !== undefined)
          .map((row) => [
            row.label,
            ...besides(row.coldP50Ms, row.emptyP50Ms),
            // Within this process it is lost if other memory was freed meanwhile.
            row.idleWorkerMb > 0 ? `${plain(row.idleWorkerMb)} MB` : '–',
          ]),
      ),
      {
        svg: 'executors',
        content: bars({
          title: "A worker's first invocation, p50",
          rows: rows.map(({ label, coldP50Ms, emptyP50Ms }) => ({
            label,
            value: coldP50Ms,
            floor: emptyP50Ms,
          })),
          print: ms,
        }),
      },
    ]
  },
}

const besides = (value, floor) => [ms(value), ms(floor), ratio(value, floor)]
