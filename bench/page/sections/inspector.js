import { plain, table } from '../text.js'

export const inspector = {
  benchmark: 'inspector',
  title: 'The inspector',
  runs: ({ quick }) => [{ label: 'inspector', args: quick ? ['--count', '5', '--rounds', '2'] : [] }],
  write: ([[, result]]) => [
    `The processor time that an inspector adds to an invocation over \`memory\`, at ${result.perSecond} a second; the median of the differences between
neighbouring rounds. **Floor:** the invocation without an inspector, ${plain(result.offUs, 0)} µs.`,
    table(
      ['inspector', 'added'],
      [
        ['no page open', `${plain(result.aloneAddedUs, 0)} µs`],
        ['one page open', `${plain(result.addedUs, 0)} µs`],
      ],
    ),
  ],
}
