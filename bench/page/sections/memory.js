import { lines } from '../plot/lines.js'
import { grouped, plain, table } from '../text.js'

export const memory = {
  benchmark: 'memory',
  title: 'Memory',
  runs: ({ quick }) => [{ label: 'mqtt', args: ['--transport', 'mqtt', '--count', quick ? '500' : '10000'] }],
  write([[, figures]]) {
    const half = figures.points[figures.points.length / 2 - 1]
    const last = figures.points.at(-1)
    return [
      `What both processes hold (resident, after a collection) over ${grouped(figures.count)} invocations of 1 KB each way,
the session with worker threads. In the first half code is compiled and caches fill. **Floor:** what they held at half.`,
      table(
        ['process', `after ${grouped(half.invocations)}`, `after ${grouped(last.invocations)}`, 'growth'],
        [
          ['session', ...mbs(half.sessionMb, last.sessionMb, figures.sessionGrowthMb)],
          ['stub', ...mbs(half.stubMb, last.stubMb, figures.stubGrowthMb)],
        ],
      ),
      {
        svg: 'memory',
        content: lines({
          title: 'Resident memory',
          xName: 'invocations',
          yName: 'MB',
          series: [
            { name: 'session', points: figures.points.map((p) => [p.invocations, p.sessionMb]) },
            { name: 'stub', points: figures.points.map((p) => [p.invocations, p.stubMb]) },
          ],
        }),
      },
    ]
  },
}

const mbs = (...values) => values.map((value) => `${plain(value)} MB`)
