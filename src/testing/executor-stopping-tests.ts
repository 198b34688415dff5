import assert from 'node:assert/strict'
import { errorIn } from './executor-outcome.js'
import type { ExecutorTrial } from './executor-trial.js'
import { type ExecutorTest, REQUEST_ID, type Underway } from './executor-trial.js'

/** Long enough to be told from "at once", short enough to wait for. */
const SHORT_MS = 600

export const stoppingTests: readonly ExecutorTest[] = [
  {
    name: "when the time is up the outcome is Lambda's own error, and not before",
    async run(trial) {
      const startedAt = Date.now()
      const underway = await trial.obeyingWarm({ timeLimitMs: SHORT_MS })
      await timesOut(trial, underway)
      // Timers may be a millisecond early.
      assert(Date.now() - startedAt >= SHORT_MS - 1, 'The time was not up yet.')
    },
  },
  {
    name: 'code that waits when the time is up is stopped, and its environment answers again',
    needs: ['stop'],
    async run(trial) {
      const underway = await trial.obeyingWarm({ timeLimitMs: SHORT_MS })
      await timesOut(trial, underway)
      await underway.line.ends('The code was not stopped')
      await trial.obeysAgain()
    },
  },
  {
    name: 'code that never yields is stopped when the time is up, and its environment answers again',
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
    name: 'with no time left nothing runs',
    async run(trial) {
      const outcome = trial.start(await trial.build('obey'), { timeLimitMs: -1 })
      const { errorType } = errorIn(await trial.within('There was no outcome', outcome))
      assert.equal(errorType, 'Sandbox.Timedout')
      await trial.obeysAgain()
      assert.equal(trial.switchboard.connections, 1, 'The function ran.')
    },
  },
  {
    name: 'waiting for the environment takes of the time, and disturbs nobody',
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
    name: 'an abort stops the code, and its environment answers again',
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
    name: 'what is aborted before it starts does not run',
    async run(trial) {
      await trial.rejects('ABORTED', trial.start(await trial.build('obey'), { signal: AbortSignal.abort() }))
      await trial.obeysAgain()
      assert.equal(trial.switchboard.connections, 1, 'The function ran.')
    },
  },
  {
    name: 'what is aborted while it waits does not run, and disturbs nobody',
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
  {
    name: 'close() lets what runs finish and refuses what comes',
    async run(trial) {
      const running = await trial.obeying()
      const closing = trial.executor.close()
      await trial.rejects('CLOSED', trial.start(await trial.build('obey')))
      running.line.tell('answer')
      assert.equal(await trial.answer(running), 'answered')
      await trial.within('close() did not resolve', closing)
    },
  },
  {
    name: 'close() resolves after what runs',
    async run(trial) {
      const running = await trial.obeying()
      let closed = false
      const closing = trial.executor.close().then(() => {
        closed = true
      })
      await trial.patience.pass(SHORT_MS / 2)
      assert(!closed, 'close() resolved while an invocation ran.')
      running.line.tell('answer')
      assert.equal(await trial.answer(running), 'answered')
      await trial.within('close() did not resolve', closing)
    },
  },
  {
    name: 'close() may be called twice, and await using closes',
    async run(trial) {
      await trial.value('echo')
      const { executor } = trial
      await trial.within('close() did not resolve', Promise.all([executor.close(), executor.close()]))
      const disposed = Promise.resolve(executor[Symbol.asyncDispose]())
      await trial.within('[Symbol.asyncDispose]() did not resolve', disposed)
      await trial.rejects('CLOSED', trial.start(await trial.build('obey')))
    },
  },
  {
    name: 'await using leaves nothing running',
    needs: ['stop'],
    async run(trial) {
      const underway = await trial.obeying()
      underway.line.tell('stay')
      assert.equal(await trial.answer(underway), 'staying')
      const disposed = Promise.resolve(trial.executor[Symbol.asyncDispose]())
      await trial.within('[Symbol.asyncDispose]() did not resolve', disposed)
      await underway.line.ends('The code lives on')
    },
  },
  {
    name: 'close() leaves nothing running',
    needs: ['stop'],
    async run(trial) {
      const staying = []
      for (const environmentId of ['one', 'two']) {
        const underway = await trial.obeying({ environmentId })
        underway.line.tell('stay')
        assert.equal(await trial.answer(underway), 'staying')
        staying.push(underway.line)
      }
      await trial.within('close() did not resolve', trial.executor.close())
      for (const line of staying) await line.ends('The code lives on')
    },
  },
  {
    name: 'no process that the code started outlives it',
    needs: ['stop', 'children'],
    async run(trial) {
      for (const end of ['exit', 'answer'] as const) {
        const { outcome, line } = await trial.obeying()
        line.tell('start')
        const child = await trial.switchboard.next('The code started no process')
        line.tell(end)
        await trial.within('There was no outcome', outcome)
        if (end === 'answer') await trial.within('close() did not resolve', trial.executor.close())
        await child.ends('The process that the code started lives on')
      }
    },
  },
]

async function timesOut(trial: ExecutorTrial, underway: Underway): Promise<void> {
  const { errorType, errorMessage } = await trial.failure(underway)
  assert.equal(errorType, 'Sandbox.Timedout')
  assert.match(
    errorMessage,
    new RegExp(`^RequestId: ${REQUEST_ID} Error: Task timed out after 0\\.(5\\d|60) seconds$`),
  )
}
