import { bytes, plain, ratio, table } from '../text.js'

export const units = {
  benchmark: 'units',
  title: 'Cost in metered units',
  runs: ({ quick, brokered }) =>
    brokered.map((name) => ({
      label: name,
      args: ['--transport', name, '--all', ...(quick ? ['--count', '5'] : [])],
    })),
  write(results) {
    const rows = results.flatMap(([name, result]) =>
      result.rows.map((row) => ({ name, leastMessages: result.leastMessages, ...row })),
    )
    return [
      `The broker's metered units for a warm invocation with a body of this size each way, that does not compress, and AWS's price for a
million of them by the prices in the code (\`Transport.pricing\`): messages alone, without connection minutes and,
where a body is too large for one frame, without the store's own requests (two PUT and two GET). AWS IoT meters each
message in and out, in units of 5 KB; API Gateway each message that a client sends or gets, in units of 32 KB, and a post as the message that its receiver gets. **Floor:** one message each way.`,
      table(
        [
          'transport, body',
          'messages',
          'floor',
          'ratio',
          'units',
          'bytes at the broker',
          'a million invocations',
        ],
        rows.map((row) => [
          `${row.name}, ${bytes(row.bytes)}`,
          plain(row.messages),
          row.leastMessages,
          ratio(row.messages, row.leastMessages),
          row.usdPerMillion === undefined ? '–' : plain(row.units),
          bytes(row.brokerBytes),
          row.usdPerMillion === undefined ? '–' : `$${plain(row.usdPerMillion, 2)}`,
        ]),
      ),
    ]
  },
}
