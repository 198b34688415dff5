import { bars } from '../plot/bars.js'
import { ms, ratio, table } from '../text.js'

const KINDS = { small: 'small', functions50kb: '50 KB of functions', zod: 'with zod' }
const EXECUTORS = ['threads', 'processes']

export const reload = {
  benchmark: 'reload',
  title: 'Reload',
  // The floor is a benchmark of its own.
  runs: ({ quick }) => [
    { label: 'reload', args: quick ? ['--saves', '3', '--bursts', '1'] : ['--saves', '40', '--bursts', '5'] },
    { label: 'rebuild', benchmark: 'rebuild', args: quick ? ['--count', '3'] : [] },
  ],
  write(results) {
    const { reload: figures, rebuild } = Object.fromEntries(results)
    if (figures === undefined) return []
    const rows = EXECUTORS.flatMap((executor) =>
      Object.entries(KINDS).map(([kind, name]) => ({
        label: `${name}, ${executor}`,
        value: figures[executor][kind].readyP50Ms,
        floor: rebuild?.[kind],
        ...figures[executor][kind],
      })),
    )
    return [
      `From the save of a TypeScript file to new code that is evaluated and ready in the worker of the next invocation, by an
atomic rename; to the first answer from it; and after the last of five saves 20 ms apart. **Floor:** esbuild's own
incremental build of the same function, in the same way, with nothing watched, loaded or swapped.`,
      table(
        [
          'function, executor',
          'ready p50',
          'esbuild alone',
          'ratio',
          'ready p95',
          'first answer p50',
          'after a burst p50',
        ],
        rows.map((row) => [
          row.label,
          ms(row.value),
          ms(row.floor),
          ratio(row.value, row.floor),
          ms(row.readyP95Ms),
          ms(row.answeredP50Ms),
          ms(row.burstReadyP50Ms),
        ]),
      ),
      { svg: 'reload', content: bars({ title: 'Save to ready, p50', rows, print: ms }) },
    ]
  },
}
