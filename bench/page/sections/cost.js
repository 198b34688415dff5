import { plain, ratio, table } from '../text.js'

const EXECUTORS = { inline: 'inline', threads: 'threads' }

export const cost = {
  benchmark: 'cost',
  title: 'Processor time',
  runs: ({ quick }) => [
    {
      label: 'cost',
      args: quick ? ['--count', '20', '--rounds', '2'] : ['--count', '500', '--rounds', '30'],
    },
  ],
  write: ([[, result]]) => [
    `The processor time of a warm invocation over \`memory\`, 1 KB each way, stub and session in one process, all its threads
counted. The stub has the 35 environment variables of a Lambda function. **Floor:** the work that no invocation avoids, in a
process with nothing of this package: two messages sealed and opened with AES-256-GCM, the event and the response written as
JSON and read again. The least of many short rounds, taken by turns.`,
    table(
      ['executor', 'invocation', 'bare work', 'ratio'],
      Object.entries(EXECUTORS).map(([name, label]) => [
        label,
        us(result[`${name}Us`]),
        us(result.bareUs),
        ratio(result[`${name}Us`], result.bareUs),
      ]),
    ),
  ],
}

const us = (value) => `${plain(value, 0)} µs`
