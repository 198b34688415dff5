import { lines } from '../plot/lines.js'
import { grouped, plain, table } from '../text.js'

export const memory = {
  benchmark: 'memory',
  title: 'Memory',
  runs: ({ transports, quick }) =>
    transports.map((transport) => ({
      label: transport,
      args: ['--transport', transport, '--count', quick ? '160' : '10000'],
    })),
  write(results) {
    const parties = results.flatMap(([transport, result]) =>
      result.parties.map((party) => ({ ...party, label: `${transport}, ${party.name}` })),
    )
    return [
      `The memory of each process over invocations of 1 KB each way, measured after a collection: resident, and reachable on its heap. The session has worker threads. In the first half code is compiled, caches fill, and V8 takes its room,
which it keeps: a growing heap would be a leak, a growing process with a level heap is not. A session remembers only the id of a finished invocation, until two minutes after its deadline. Over AWS IoT, because of its
rate, eight stubs
share the session's invocations. **Floor:** the same processes at half.`,
      table(
        [
          'process',
          'invocations',
          'heap at half',
          'at the end',
          'growth',
          'resident at half',
          'at the end',
          'growth',
        ],
        parties.map(({ label, points, heapGrowthMb, residentGrowthMb }) => {
          const [half, last] = [points[points.length / 2 - 1], points.at(-1)]
          return [
            label,
            grouped(last.invocations),
            ...mbs(half.heapMb, last.heapMb, heapGrowthMb),
            ...mbs(half.residentMb, last.residentMb, residentGrowthMb),
          ]
        }),
      ),
      {
        svg: 'memory',
        content: lines({
          title: "The session's heap after a collection",
          xName: 'invocations',
          yName: 'MB',
          series: parties
            .filter(({ name }) => name !== 'stub')
            .map(({ label, points }) => ({
              name: label,
              points: points.map(({ invocations, heapMb }) => [invocations, heapMb]),
            })),
        }),
      },
    ]
  },
}

const mbs = (...values) => values.map((value) => `${plain(value)} MB`)
