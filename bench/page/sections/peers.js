import { bars } from '../plot/bars.js'
import { ms, ratio, table } from '../text.js'

export const peers = {
  benchmark: 'peers',
  title: 'Beside Lambda Live Debugger',
  runs: ({ quick }) => [
    { label: 'peers', args: quick ? ['--cold', '2', '--warm', '3'] : ['--cold', '8', '--warm', '20'] },
  ],
  write([[, figures]]) {
    const { rows, version } = figures
    const measured = rows.flatMap(({ roundTripMs, ...row }) => [
      { label: `warm, ${roundTripMs} ms away`, tether: row.tetherWarmMs, peer: row.peerWarmMs },
      { label: `cold, ${roundTripMs} ms away`, tether: row.tetherColdMs, peer: row.peerColdMs },
    ])
    return [
      `[Lambda Live Debugger](https://www.npmjs.com/package/lambda-live-debugger) ${version} from npm, its layer's code and its client,
through the same local broker over the same network, 1 KB each way, without TLS on either side. Its \`DescribeEndpoint\`
call, one for each invocation, is answered at no distance; its client's MQTT passes one more process. Medians.`,
      table(
        ['case', 'lambda-tether (iot)', 'Lambda Live Debugger', 'ratio'],
        measured.map(({ label, tether, peer }) => [label, ms(tether), ms(peer), ratio(peer, tether)]),
      ),
      {
        svg: 'peers',
        content: bars({
          title: 'An invocation through both, median',
          rows: measured.flatMap(({ label, tether, peer }) => [
            { label: `lambda-tether, ${label}`, value: tether },
            { label: `Lambda Live D., ${label}`, value: peer },
          ]),
          print: ms,
        }),
      },
    ]
  },
}
