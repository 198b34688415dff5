import assert from 'node:assert/strict'
import type { ExecutorTest } from './trial.js'

/** Long enough for immediate effects to show. */
const MOMENT_MS = 300

export const executorClosingTests: readonly ExecutorTest[] = [
  {
    name: 'close() lets running invocations finish and rejects new ones',
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
    name: 'close() resolves after the running invocations',
    async run(trial) {
      const running = await trial.obeying()
      let closed = false
      const closing = trial.executor.close().then(() => {
        closed = true
      })
      await trial.patience.pass(MOMENT_MS)
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
    name: 'processes that the code started end with it',
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
