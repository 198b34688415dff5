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
      `What each process holds over invocations of 1 KB each way, measured after a collection: all that is resident, and what is
reachable on its heap. The session has worker threads. In the first half code is compiled, caches fill, and V8 takes its room,
which it keeps: a growing heap would be a leak, a growing process with a level heap is not. What a session remembers of
an invocation that is over is its id, until two minutes after its deadline. Over AWS IoT, whose rate is limited, eight stubs
share the session's invocations. **Floor:** what they held at half.`,
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
