import { lines } from '../plot/lines.js'
import { ms, plain, ratio, table } from '../text.js'

export const throughput = {
  benchmark: 'throughput',
  title: 'Throughput',
  runs: ({ quick, brokered }) =>
    brokered.map((name) => ({ label: name, args: ['--transport', name, ...extent(name, quick)] })),
  write(results) {
    const rows = results.flatMap(([name, result]) => result.rows.map((row) => ({ name, ...row })))
    const limited = rows.filter(({ limitPerSecond }) => limitPerSecond !== undefined)
    const free = rows.filter(({ limitPerSecond }) => limitPerSecond === undefined)
    return [
      'Invocations a second through one session, 1 KB each way; a stub is invoked again as soon as it has answered.',
      ...(limited.length > 0 ? byConnections(limited) : []),
      ...(free.length > 0 ? byStubs(free) : []),
    ]
  },
}

// A session opens another connection only if each connection has a limit.
function extent(name, quick) {
  if (name === 'iot')
    return quick
      ? ['--connections', '1,2', '--seconds', '1', '--stubs', '4']
      : ['--connections', '1,2,4,8', '--seconds', '4']
  return quick ? ['--stubs', '1,4', '--seconds', '1'] : ['--stubs', '1,8,32', '--seconds', '3']
}

const byConnections = (rows) => [
  `AWS IoT allows a connection 100 messages a second, both directions together, and a session opens another connection when one nears that. The rows are by number of connections, with eight
stubs for each. Two messages suffice if the answer comes within 25 ms; slower code is acknowledged first, which makes three. **Limit:** that rate,
times the connections; this package keeps to 85 % of it.`,
  table(
    ['connections, messages', 'invocations/s', 'limit', ...COMMON],
    rows.map((row) => [
      `${row.name}: ${row.connections}, ${row.messages} messages`,
      plain(row.invocationsPerSecond),
      row.limitPerSecond,
      ...common(row, row.limitPerSecond),
    ]),
  ),
  { svg: 'throughput', content: picture(rows) },
]

const byStubs = (rows) => [
  `Other transports have no limit per connection: an MQTT broker has its own, and API Gateway allows a whole account 10,000 requests a
second, which are 5,000 such invocations. There the limit is this machine, which runs the broker, the session and every stub. The rows are by
number of stubs. **Limit:** as many raw echoes at once (as in the round trip) through the same broker.`,
  table(
    ['stubs', 'invocations/s', 'raw echoes/s', ...COMMON],
    rows.map((row) => [
      `${row.name}: ${row.stubs}`,
      plain(row.invocationsPerSecond),
      plain(row.echoesPerSecond),
      ...common(row, row.echoesPerSecond),
    ]),
  ),
]

const COMMON = ['ratio', 'p50', 'p99', 'lost', 'discarded by the broker']
const common = (row, limit) => [
  ratio(row.invocationsPerSecond, limit),
  ms(row.p50Ms),
  ms(row.p99Ms),
  row.lost,
  row.discardedByBroker ?? '–',
]

function picture(rows) {
  const nameOf = ({ name, messages }) => `${name}, ${messages} messages`
  const series = [...new Set(rows.map(nameOf))].flatMap((name) => {
    const line = rows.filter((row) => nameOf(row) === name)
    return [
      { name, points: line.map((row) => [row.connections, row.invocationsPerSecond]) },
      { name: 'its limit', limit: true, points: line.map((row) => [row.connections, row.limitPerSecond]) },
    ]
  })
  const title = "Throughput by the session's connections"
  return lines({ title, xName: 'connections', yName: 'invocations a second', series })
}
