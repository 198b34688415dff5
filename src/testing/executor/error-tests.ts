import assert from 'node:assert/strict'
import type { Command, ExecutorFeature } from './behaviour.js'
import { collectLines } from './outcome.js'
import type { ExecutorTest, ExecutorTrial } from './trial.js'

export const errorTests: readonly ExecutorTest[] = [
  {
    name: 'an error has its type, its message and its stack',
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
    name: 'an error includes its cause',
    needs: ['cause'],
    async run(trial) {
      const { cause } = await trial.error('throw', { message: 'above' })
      assert.equal(cause?.errorType, 'ConformanceCause')
      assert.equal(cause?.errorMessage, 'underneath')
    },
  },
  {
    name: 'a thrown value need not be an error',
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
    name: 'a function keeps its state after an error',
    async run(trial) {
      assert.equal(await trial.value('count'), 1)
      assert.equal((await trial.error('count', { fail: true })).errorType, 'ConformanceError')
      assert.equal(await trial.value('count'), 3)
    },
  },
  {
    name: 'a function that fails to start is an error each time',
    async run(trial) {
      for (let invocation = 1; invocation <= 2; invocation++) {
        const { errorType, errorMessage } = await trial.error('fail-at-start')
        assert.equal(errorType, 'ConformanceError')
        assert.equal(errorMessage, 'failed at start')
      }
    },
  },
  {
    name: 'the output of a failed start is available',
    needs: ['output'],
    async run(trial) {
      const { lines, onLog } = collectLines()
      const { errorMessage } = await trial.error('fail-at-start', {}, { onLog })
      const said = [errorMessage, ...lines.map(({ text }) => text)].join('\n')
      assert(said.includes('about to fail'), `Neither a line nor the message has it:\n${said}`)
    },
  },
  {
    name: 'an exit while the module loads is an error at once',
    needs: ['exit'],
    async run(trial) {
      await trial.runsApart('an exit')
      const { errorType, errorMessage } = await trial.error('exit-at-start')
      assert.equal(errorType, 'Runtime.ExitError')
      assert.match(errorMessage, /\b37\b/)
    },
  },
  ending('an exit is an error at once, with the exit code', 'exit', 'exit', ({ errorType, errorMessage }) => {
    assert.equal(errorType, 'Runtime.ExitError')
    assert.match(errorMessage, /\b37\b/)
  }),
  ending('an exit with code 0 is an error, too', 'exit', 'exit 0', ({ errorType }) =>
    assert.equal(errorType, 'Runtime.ExitError'),
  ),
  {
    name: 'an environment works again after its code exited between invocations',
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
    'an unhandled rejection is an error at once',
    'uncaught',
    'reject',
    ({ errorType, errorMessage }) => {
      assert.equal(errorType, 'Runtime.UnhandledPromiseRejection')
      assert.match(errorMessage, /unheard/)
    },
  ),
  ending('an uncaught error is an error at once', 'uncaught', 'throw', ({ errorType, errorMessage }) => {
    assert.equal(errorType, 'ConformanceError')
    assert.equal(errorMessage, 'loose')
  }),
  ending('running out of memory is an error, and not a timeout', 'memory', 'grow', ({ errorType }) =>
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
