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
1 KB. **Floors:** the same process with an empty bundle; and one round trip of the network, when it takes 45 ms from
each side to the broker. An invocation alone crosses both networks twice, which is two of these round trips.`,
      table(
        ['transport', 'at 0 ms', 'empty bundle', 'ratio', 'at 45 ms', 'round trips of 45 ms'],
        results.map(([name, { coldMs0, coldMs45, emptyMs, roundTrips45 }]) => [
          name,
          ms(coldMs0),
          ms(emptyMs),
          ratio(coldMs0, emptyMs),
          ms(coldMs45),
          plain(roundTrips45),
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
