import { lines } from '../plot/lines.js'
import { ms, plain, ratio, table } from '../text.js'

export const throughput = {
  benchmark: 'throughput',
  title: 'Throughput',
  runs: ({ quick }) => [
    {
      label: 'iot',
      args: quick
        ? ['--connections', '1,2', '--seconds', '1', '--stubs', '4']
        : ['--connections', '1,2,4,8', '--seconds', '5'],
    },
  ],
  write(results) {
    const rows = results.flatMap(([name, result]) => result.rows.map((row) => ({ name, ...row })))
    return [
      `Invocations a second through one session, by the number of its connections, with eight stubs for each. Two messages
suffice where the answer comes within 25 ms; slower code is acknowledged first, which makes it three. **Limit:** what the
transport's rate allows that many connections (AWS IoT: 100 messages a second each, both directions together); this
package keeps to 85 % of it.`,
      table(
        [
          'connections, messages',
          'invocations/s',
          'limit',
          'ratio',
          'p50',
          'p99',
          'lost',
          'discarded by the broker',
        ],
        rows.map((row) => [
          `${row.name}: ${row.connections}, ${row.messages} messages`,
          plain(row.invocationsPerSecond),
          row.limitPerSecond ?? '–',
          ratio(row.invocationsPerSecond, row.limitPerSecond),
          ms(row.p50Ms),
          ms(row.p99Ms),
          row.lost,
          row.discardedByBroker ?? '–',
        ]),
      ),
      {
        svg: 'throughput',
        content: lines({
          title: "Throughput by the session's connections",
          xName: 'connections',
          yName: 'invocations a second',
          series: [...new Set(rows.map(({ name, messages }) => `${name}, ${messages} messages`))].flatMap(
            (name) => {
              const line = rows.filter((row) => `${row.name}, ${row.messages} messages` === name)
              const limited = line.filter(({ limitPerSecond }) => limitPerSecond !== undefined)
              return [
                { name, points: line.map((row) => [row.connections, row.invocationsPerSecond]) },
                {
                  name: 'its limit',
                  limit: true,
                  points: limited.map((row) => [row.connections, row.limitPerSecond]),
                },
              ]
            },
          ),
        }),
      },
    ]
  },
}
