import assert from 'node:assert/strict'
import type { Command, ExecutorFeature } from './behaviour.js'
import { collectLines } from './outcome.js'
import type { ExecutorTest, ExecutorTrial } from './trial.js'

export const errorTests: readonly ExecutorTest[] = [
  {
    name: 'an error has its type, its message and where it was thrown',
    async run(trial) {
      const message = 'no order for 漢字'
      const { errorType, errorMessage, trace } = await trial.error('throw', { message })
      assert.equal(errorType, 'ConformanceError')
      assert.equal(errorMessage, message)
      assert(
        trace.join('\n').includes('failOnPurpose'),
        `The trace has no 'failOnPurpose': ${trace.join('\n')}`,
      )
    },
  },
  {
    name: "an error's cause comes with it",
    needs: ['cause'],
    async run(trial) {
      const { cause } = await trial.error('throw', { message: 'above' })
      assert.equal(cause?.errorType, 'ConformanceCause')
      assert.equal(cause?.errorMessage, 'underneath')
    },
  },
  {
    name: 'what is thrown need not be an error',
    needs: ['throw-value'],
    async run(trial) {
      const thrown = [
        ['just text', 'string', 'just text'],
        [7, 'number', '7'],
        [null, 'object', 'null'],
      ] as const
      for (const [value, errorType, errorMessage] of thrown) {
        assert.deepEqual(await trial.error('throw-value', { value }), { errorType, errorMessage, trace: [] })
      }
    },
  },
  {
    name: 'a function that failed keeps its state',
    async run(trial) {
      assert.equal(await trial.value('count'), 1)
      assert.equal((await trial.error('count', { fail: true })).errorType, 'ConformanceError')
      assert.equal(await trial.value('count'), 3)
    },
  },
  {
    name: 'a function that cannot start is an error, each time',
    async run(trial) {
      for (let invocation = 1; invocation <= 2; invocation++) {
        const { errorType, errorMessage } = await trial.error('fail-at-start')
        assert.equal(errorType, 'ConformanceError')
        assert.equal(errorMessage, 'failed at start')
      }
    },
  },
  {
    name: 'what a function writes before it fails to start can be read',
    needs: ['output'],
    async run(trial) {
      const { lines, onLog } = collectLines()
      const { errorMessage } = await trial.error('fail-at-start', {}, { onLog })
      const said = [errorMessage, ...lines.map(({ text }) => text)].join('\n')
      assert(said.includes('about to fail'), `Neither a line nor the message has it:\n${said}`)
    },
  },
  {
    name: 'a function that exits while it starts is an error at once',
    needs: ['exit'],
    async run(trial) {
      await trial.runsApart('an exit')
      const { errorType, errorMessage } = await trial.error('exit-at-start')
      assert.equal(errorType, 'Runtime.ExitError')
      assert.match(errorMessage, /\b37\b/)
    },
  },
  ending(
    'code that exits is answered at once, with its exit code',
    'exit',
    'exit',
    ({ errorType, errorMessage }) => {
      assert.equal(errorType, 'Runtime.ExitError')
      assert.match(errorMessage, /\b37\b/)
    },
  ),
  ending('code that exits with 0 has not answered either', 'exit', 'exit 0', ({ errorType }) =>
    assert.equal(errorType, 'Runtime.ExitError'),
  ),
  {
    name: 'an environment whose code exited after its answer answers again',
    needs: ['exit', 'background'],
    async run(trial) {
      const first = await trial.obeying()
      first.line.tell('stay')
      assert.equal(await trial.answer(first), 'staying')
      first.line.tell('exit')
      await first.line.ends('The code did not exit')
      await trial.obeysAgain()
    },
  },
  ending(
    'a rejection that nobody handles is answered at once',
    'uncaught',
    'reject',
    ({ errorType, errorMessage }) => {
      assert.equal(errorType, 'Runtime.UnhandledPromiseRejection')
      assert.match(errorMessage, /unheard/)
    },
  ),
  ending(
    'an error that nobody can catch is answered at once',
    'uncaught',
    'throw',
    ({ errorType, errorMessage }) => {
      assert.equal(errorType, 'ConformanceError')
      assert.equal(errorMessage, 'loose')
    },
  ),
  ending('code that runs out of memory is an error, and not one of time', 'memory', 'grow', ({ errorType }) =>
    assert.notEqual(errorType, 'Sandbox.Timedout'),
  ),
]

/** Code that ends its own runtime: an error at once, and the environment has another runtime afterwards. */
function ending(
  name: string,
  feature: ExecutorFeature,
  command: Command,
  check: (error: Awaited<ReturnType<ExecutorTrial['error']>>) => void,
): ExecutorTest {
  return {
    name,
    needs: [feature],
    async run(trial) {
      const underway = await trial.obeying()
      underway.line.tell(command)
      check(await trial.failure(underway))
      await trial.obeysAgain()
    },
  }
}
