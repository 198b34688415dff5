import { ms, ratio, table } from '../text.js'

export const sharing = {
  benchmark: 'sharing',
  title: 'Sharing a stage',
  runs: ({ quick }) => [{ label: 'sharing', args: ['--count', quick ? '1' : '9'] }],
  write: ([[, result]]) => [
    `A card's event pattern, evaluated 1,000 times on an event of 100 KB with 1,000 elements, takes ${ms(result.patternMs)} of processor time. A changed
card decides ${ms(result.changedMs)} later. A cold environment's first invocation over AWS IoT's double, in processor time; **floor:** the same
with one name in the place of a team.`,
    table(
      ['names', 'processor time', 'one name', 'ratio'],
      [
        [
          'a team of seven',
          ms(result.coldCpuMs.seven),
          ms(result.coldCpuMs.one),
          ratio(result.coldCpuMs.seven, result.coldCpuMs.one),
        ],
      ],
    ),
  ],
}
