import { ms, table } from '../text.js'

export const compare = {
  benchmark: 'compare',
  title: 'Comparing templates',
  runs: ({ quick }) => [{ label: 'compare', args: ['--count', quick ? '2' : '20'] }],
  write: ([[, result]]) => [
    `\`compareTemplates\` of two CloudFormation templates with ${result.resources} resources of which a tenth differ, in its worker, and the longest time that the
host's event loop was blocked meanwhile. The first comparison loads the worker.`,
    table(
      ['', 'median', 'longest', 'loop blocked', 'first'],
      [
        [
          `${result.resources} resources`,
          ms(result.medianMs),
          ms(result.maxMs),
          ms(result.maxBlockedMs),
          ms(result.firstMs),
        ],
      ],
    ),
  ],
}
