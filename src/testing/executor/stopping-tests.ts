import assert from 'node:assert/strict'
import { errorIn } from './outcome.js'
import type { ExecutorTrial } from './trial.js'
import { type ExecutorTest, REQUEST_ID, type Underway } from './trial.js'

/** Long enough for a warm worker on a machine with much else to do, short enough to wait for. */
const SHORT_MS = 1_500

export const stoppingTests: readonly ExecutorTest[] = [
  {
    name: "the outcome at the deadline is Lambda's own error, and not before",
    async run(trial) {
      const startedAt = Date.now()
      const underway = await trial.obeyingWarm({ timeLimitMs: SHORT_MS })
      await timesOut(trial, underway)
      // Timers may be a millisecond early.
      assert(Date.now() - startedAt >= SHORT_MS - 1, 'The time was not up yet.')
    },
  },
  {
    name: 'waiting code is stopped at the deadline, and its environment works again',
    needs: ['stop'],
    async run(trial) {
      const underway = await trial.obeyingWarm({ timeLimitMs: SHORT_MS })
      await timesOut(trial, underway)
      await underway.line.ends('The code was not stopped')
      await trial.obeysAgain()
    },
  },
  {
    name: 'code that never yields is stopped at the deadline, and its environment works again',
    needs: ['stop'],
    async run(trial) {
      const underway = await trial.obeyingWarm({ timeLimitMs: SHORT_MS })
      underway.line.tell('loop')
      await timesOut(trial, underway)
      await underway.line.ends('The code was not stopped')
      await trial.obeysAgain()
    },
  },
  {
    name: 'an invocation past its deadline does not run',
    async run(trial) {
      const outcome = trial.start(await trial.build('obey'), { timeLimitMs: -1 })
      const { errorType } = errorIn(await trial.within('There was no outcome', outcome))
      assert.equal(errorType, 'Sandbox.Timedout')
      await trial.obeysAgain()
      assert.equal(trial.switchboard.connections, 1, 'The function ran.')
    },
  },
  {
    name: 'time in the queue counts, and a timeout there does not disturb others',
    needs: ['workers'],
    async run(trial) {
      const running = await trial.obeying()
      const waiting = trial.start(await trial.build('obey'), { timeLimitMs: SHORT_MS })
      const { errorType } = errorIn(await trial.within('There was no outcome', waiting))
      assert.equal(errorType, 'Sandbox.Timedout')
      running.line.tell('answer')
      assert.equal(await trial.answer(running), 'answered')
      await trial.obeysAgain()
      assert.equal(trial.switchboard.connections, 2, 'The invocation whose time was up ran all the same.')
    },
  },
  {
    name: 'an abort rejects with ABORTED and the reason',
    async run(trial) {
      const abort = new AbortController()
      const { outcome } = await trial.obeying({ signal: abort.signal })
      const reason = new Error('enough')
      abort.abort(reason)
      assert.equal((await trial.rejects('ABORTED', outcome)).cause, reason)
    },
  },
  {
    name: 'an abort stops the code, and its environment works again',
    needs: ['stop'],
    async run(trial) {
      const abort = new AbortController()
      const { outcome, line } = await trial.obeying({ signal: abort.signal })
      abort.abort()
      await trial.rejects('ABORTED', outcome)
      await line.ends('The code was not stopped')
      await trial.obeysAgain()
    },
  },
  {
    name: 'an invocation aborted before its start does not run',
    async run(trial) {
      await trial.rejects('ABORTED', trial.start(await trial.build('obey'), { signal: AbortSignal.abort() }))
      await trial.obeysAgain()
      assert.equal(trial.switchboard.connections, 1, 'The function ran.')
    },
  },
  {
    name: 'an invocation aborted in the queue does not run and does not disturb others',
    needs: ['workers'],
    async run(trial) {
      const running = await trial.obeying()
      const abort = new AbortController()
      const waiting = trial.start(await trial.build('obey'), { signal: abort.signal })
      abort.abort()
      await trial.rejects('ABORTED', waiting)
      running.line.tell('answer')
      assert.equal(await trial.answer(running), 'answered')
      await trial.obeysAgain()
      assert.equal(trial.switchboard.connections, 2, 'The invocation that was aborted ran all the same.')
    },
  },
]

async function timesOut(trial: ExecutorTrial, underway: Underway): Promise<void> {
  const { errorType, errorMessage } = await trial.failure(underway)
  assert.equal(errorType, 'Sandbox.Timedout')
  assert.match(
    errorMessage,
    new RegExp(`^RequestId: ${REQUEST_ID} Error: Task timed out after 1\\.(4\\d|50) seconds$`),
  )
}
