import { bars } from '../plot/bars.js'
import { ms, ratio, table } from '../text.js'

// Paced ones take 40 ms each, so they are fewer.
const COUNTS = { memory: 2000, mqtt: 1000 }
const COUNT = 150

export const roundtrip = {
  benchmark: 'roundtrip',
  title: 'Round trip',
  runs: ({ quick, transports }) =>
    transports.map((name) => ({
      label: name,
      args: ['--transport', name, '--count', String(quick ? 30 : (COUNTS[name] ?? COUNT))],
    })),
  write(results) {
    const rows = results.flatMap(([name, result]) => [
      {
        label: `${name}, threads`,
        value: result.tetherP50Ms,
        p99: result.tetherP99Ms,
        floor: result.rawP50Ms,
      },
      {
        label: `${name}, inline`,
        value: result.inlineP50Ms,
        p99: result.inlineP99Ms,
        floor: result.inlineRawP50Ms,
      },
    ])
    return [
      `A warm invocation of 1 KB each way, from the call of the stub's handler to its answer, with the local code in a worker
thread and inline. **Floor:** an echo of the same bytes through the same broker, measured by turns with it: by plain clients of the
MQTT library; for \`api-gateway\` by plain WebSockets and signed posts of Node's own client; for \`memory\` by bare frames. The stub and the session are processes of
their own, except over \`memory\`. There is no network in between, so the figures are
the cost of this package.`,
      table(
        ['transport, executor', 'p50', 'p99', 'raw echo p50', 'ratio'],
        rows.map(({ label, value, p99, floor }) => [
          label,
          ms(value),
          ms(p99),
          ms(floor),
          ratio(value, floor),
        ]),
      ),
      { svg: 'roundtrip', content: bars({ title: 'Round trip of 1 KB, p50', rows, print: ms }) },
    ]
  },
}
