import { ms, plain, ratio, table } from '../text.js'

export const streaming = {
  benchmark: 'streaming',
  title: 'Streamed responses',
  runs: ({ quick }) => [
    {
      label: 'streaming',
      args: quick ? ['--count', '20', '--seconds', '1', '--megabytes', '2'] : [],
    },
  ],
  write: ([[, result]]) => [
    `The first byte of a stream beside a small buffered answer, taken by turns; of 50 writes a second, the delay of the slow ones beyond the
quickest (p95); and bytes a second of one stream, as a share of the rate that one connection allows (this package keeps to 85 % of
AWS IoT's). Growth is each side's memory during a stream of 20 MB. **Floor:** the buffered answer.`,
    table(
      [
        'transport',
        'first byte',
        'buffered answer',
        'ratio',
        'jitter p95',
        'MB/s',
        'share of the rate',
        'stub',
        'session',
      ],
      result.rows.map((row) => [
        row.transport,
        ms(row.firstByteP50Ms),
        ms(row.answerP50Ms),
        ratio(row.firstByteP50Ms, row.answerP50Ms),
        ms(row.jitterP95Ms),
        plain(row.megabytesPerSecond, 2),
        row.throughputRatio === undefined ? '–' : `${plain(row.throughputRatio * 85, 0)} %`,
        `+${plain(row.stubGrowthMb)} MB`,
        `+${plain(row.sessionGrowthMb)} MB`,
      ]),
    ),
  ],
}
