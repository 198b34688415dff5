import { bars } from '../plot/bars.js'
import { ms, plain, ratio, table } from '../text.js'

export const cold = {
  benchmark: 'cold',
  title: 'Cold start',
  runs: ({ quick, brokered }) =>
    brokered.map((name) => ({
      label: name,
      args: ['--transport', name, '--count', quick ? '3' : '15'],
    })),
  write(results) {
    return [
      `From the start of the stub's process to its first answer: loading the bundle, connecting, subscribing, one invocation of
1 KB. **Floors:** the same process with an empty bundle; and, where the network takes 45 ms from each side to the broker
and back, how many of these round trips the protocol needs: opening the WebSocket, CONNECT and SUBSCRIBE one each, an invocation,
which crosses both networks, two. TCP's own is not among them, and TLS is not used.`,
      table(
        ['transport', 'at 0 ms', 'empty bundle', 'ratio', 'at 45 ms', 'round trips', 'least', 'ratio'],
        results.map(([name, { coldMs0, coldMs45, emptyMs, roundTrips45, leastRoundTrips }]) => [
          name,
          ms(coldMs0),
          ms(emptyMs),
          ratio(coldMs0, emptyMs),
          ms(coldMs45),
          plain(roundTrips45),
          plain(leastRoundTrips),
          ratio(roundTrips45, leastRoundTrips),
        ]),
      ),
      {
        svg: 'cold',
        content: bars({
          title: 'Cold start to first answer',
          rows: results.flatMap(([name, { coldMs0, coldMs45, emptyMs }]) => [
            { label: `${name}, 0 ms away`, value: coldMs0, floor: emptyMs },
            { label: `${name}, 45 ms away`, value: coldMs45 },
          ]),
          print: ms,
        }),
      },
    ]
  },
}
