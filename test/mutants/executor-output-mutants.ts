import type { LogEntry, Task } from '../../src/core/contracts/executor.js'
import { type ExecutorMutant, mutated } from './executor-mutation.js'

const LINES = 'what the code writes comes line by line, from both streams, before the outcome'
const LENGTH = 'lines may have any length'
const OWN = 'lines are of the invocation that wrote them'
const CUT = 64 * 1024

/** Changes each line on its way, or drops it. */
function lines(change: (entry: LogEntry) => LogEntry | undefined) {
  return () =>
    mutated({
      task: (task) => ({
        ...task,
        onLog(entry) {
          const changed = change(entry)
          if (changed) task.onLog(changed)
        },
      }),
    })
}

/** Executors that lose what local code writes, or whose it is. */
export const outputMutants: readonly ExecutorMutant[] = [
  {
    name: 'takes both streams for one',
    caughtBy: [LINES],
    because: /deep-equal/,
    make: lines((entry) => ({ ...entry, stream: 'stdout' })),
  },
  {
    name: 'keeps carriage returns',
    caughtBy: [LINES],
    because: /deep-equal/,
    make: lines((entry) => (entry.text.endsWith('漢') ? { ...entry, text: `${entry.text}\r` } : entry)),
  },
  {
    name: 'drops a last line without a line break',
    caughtBy: [LINES],
    because: /deep-equal/,
    make: lines((entry) => (entry.text.endsWith('unfinished') ? undefined : entry)),
  },
  {
    name: 'tells the lines after the outcome',
    caughtBy: [LINES],
    because: /deep-equal/,
    make: () =>
      mutated({
        task: (task) => ({ ...task, onLog: (entry) => void setTimeout(() => task.onLog(entry), 50) }),
      }),
  },
  {
    name: 'has another clock for its lines',
    caughtBy: [LINES],
    because: /was written at 0/,
    make: lines((entry) => ({ ...entry, time: 0 })),
  },
  {
    name: 'reads no levels',
    caughtBy: ['a line of JSON has the level that it says'],
    because: /deep-equal/,
    make: lines(({ level: _, ...entry }) => entry),
  },
  {
    name: 'cuts lines at 64 KiB',
    caughtBy: [LENGTH],
    because: /deep-equal/,
    make: lines((entry) => ({ ...entry, text: entry.text.slice(0, CUT) })),
  },
  {
    name: 'listens no more after a line of 64 KiB',
    caughtBy: [LENGTH],
    because: /deep-equal/,
    make() {
      let deaf = false
      return lines((entry) => {
        deaf ||= entry.text.length > CUT
        return deaf ? undefined : entry
      })()
    },
  },
  {
    name: 'gives lines to whoever came last',
    caughtBy: [OWN],
    because: /deep-equal/,
    make() {
      let latest: Task['onLog'] = () => {}
      return mutated({
        task(task) {
          latest = task.onLog
          return { ...task, onLog: (entry) => latest(entry) }
        },
      })
    },
  },
]
