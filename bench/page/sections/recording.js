import { ms, plain, table } from '../text.js'

export const recording = {
  benchmark: 'recording',
  title: 'Recording',
  runs: ({ quick }) => [
    { label: 'recording', args: quick ? ['--count', '20', '--rounds', '2', '--records', '50'] : [] },
  ],
  write: ([[, result]]) => [
    `The processor time that a recorder adds to an invocation over \`memory\` with JSON of 1 KB each way, and per further KB. **Floor:** the
invocation without a recorder, ${plain(result.offUs, 0)} µs. From the start of a process to the heads of ${result.records.toLocaleString('en')} records of 10 KB on disk: ${ms(result.headsMs)}.`,
    table(
      ['history', 'added', 'per KB', 'answer p50', 'without'],
      [
        row('in memory', result.memoryUs, result.memoryUsPerKb, result.answerP50Ms.memory, result),
        row('on disk', result.diskUs, result.diskUsPerKb, result.answerP50Ms.disk, result),
      ],
    ),
  ],
}

const row = (name, added, perKb, answer, { answerP50Ms }) => [
  name,
  `${plain(added, 0)} µs`,
  `${plain(perKb)} µs`,
  ms(answer),
  ms(answerP50Ms.off),
]
