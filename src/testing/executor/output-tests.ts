import assert from 'node:assert/strict'
import type { LogEntry } from '../../core/contracts/executor.js'
import { collectLines } from './outcome.js'
import type { ExecutorTest } from './trial.js'

export const outputTests: readonly ExecutorTest[] = [
  {
    name: 'both streams arrive line by line, before the outcome',
    needs: ['output'],
    async run(trial) {
      const { lines, onLog } = collectLines()
      const startedAt = Date.now()
      await trial.value('print', { mark: 'a', bytes: 3 }, { onLog })
      assert.deepEqual(textsOf(lines), {
        stdout: ['a one', 'a 漢', 'xxx', 'a unfinished'],
        stderr: ['a to stderr', '{"level":"WARN","mark":"a"}'],
      })
      for (const { time } of lines) {
        assert(time >= startedAt - 1 && time <= Date.now() + 1, `A line was written at ${time}, it says.`)
      }
    },
  },
  {
    name: 'lines may have any length',
    needs: ['output', 'long-lines'],
    async run(trial) {
      const bytes = 1024 * 1024 + 1
      const { lines, onLog } = collectLines()
      await trial.value('print', { mark: 'a', bytes }, { onLog })
      assert.deepEqual(
        textsOf(lines).stdout.map(({ length }) => length),
        ['a one'.length, 'a 漢'.length, bytes, 'a unfinished'.length],
      )
    },
  },
  {
    name: 'a line of JSON has the level of its `level` field',
    needs: ['output'],
    async run(trial) {
      const { lines, onLog } = collectLines()
      await trial.value('print', { mark: 'a', bytes: 1 }, { onLog })
      const levels = lines.filter(({ stream }) => stream === 'stderr').map(({ level }) => level)
      assert.deepEqual(levels, [undefined, 'warn'])
    },
  },
  {
    name: 'each line reaches the invocation that wrote it',
    needs: ['output'],
    async run(trial) {
      const print = async (mark: string, environmentId: string) => {
        const { lines, onLog } = collectLines()
        await trial.value('print', { mark, bytes: 1 }, { onLog, environmentId })
        const expected = {
          stdout: [`${mark} one`, `${mark} 漢`, 'x', `${mark} unfinished`],
          stderr: [`${mark} to stderr`, JSON.stringify({ level: 'WARN', mark })],
        }
        assert.deepEqual(textsOf(lines), expected)
      }
      await Promise.all([print('a', 'one'), print('b', 'two'), print('c', 'one'), print('d', 'two')])
      await print('e', 'one')
    },
  },
]

/** Returns the texts of each stream. Executors promise no order between the two. */
function textsOf(lines: readonly LogEntry[]): Record<LogEntry['stream'], string[]> {
  const of = (wanted: LogEntry['stream']) =>
    lines.filter(({ stream }) => stream === wanted).map(({ text }) => text)
  return { stdout: of('stdout'), stderr: of('stderr') }
}
