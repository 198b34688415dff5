import { ms, ratio, table } from '../text.js'

export const start = {
  benchmark: 'start',
  title: 'Start of a host',
  runs: ({ quick }) => [{ label: 'start', args: ['--count', quick ? '2' : '15'] }],
  write: ([[, result]]) => [
    `From the start of a developer's process until its session is open over MQTT, and until its first invocation is answered by a
worker thread; the one function is TypeScript and is built by esbuild. **Floor:** a process that imports the packages which such a
host needs (mqtt, ws, eventemitter3, esbuild) and does nothing. The quickest of each, started by turns.`,
    table(
      ['', 'time', 'imports alone', 'ratio'],
      [
        ['session open', ms(result.openMs), ms(result.importMs), ratio(result.openMs, result.importMs)],
        ['first answer', ms(result.answerMs), ms(result.importMs), ratio(result.answerMs, result.importMs)],
      ],
    ),
  ],
}
