import { ms, ratio, table } from '../text.js'

export const replay = {
  benchmark: 'replay',
  title: 'Replay on save',
  runs: ({ quick }) => [{ label: 'replay', args: ['--saves', quick ? '2' : '50'] }],
  write: ([[, result]]) => [
    `From a save to the answer of the recorded invocation that \`session.replayOnSave\` runs again, in a worker thread. **Floor:** the reload
alone, at the same save.`,
    table(
      ['', 'p50', 'p95', 'reload p50', 'ratio'],
      [
        [
          'save to answer',
          ms(result.answerP50Ms),
          ms(result.answerP95Ms),
          ms(result.reloadP50Ms),
          ratio(result.answerP50Ms, result.reloadP50Ms),
        ],
      ],
    ),
  ],
}
