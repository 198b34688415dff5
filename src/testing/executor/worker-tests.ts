import assert from 'node:assert/strict'
import type { ExecutorTest } from './trial.js'

export const workerTests: readonly ExecutorTest[] = [
  {
    name: '`sharesEventLoop` is true if functions run on the event loop of their host, else false',
    async run(trial) {
      const underway = await trial.obeying()
      const { sharesEventLoop = false } = trial.executor
      assert.equal(sharesEventLoop, underway.line.shared, `\`sharesEventLoop\` is ${sharesEventLoop}.`)
      underway.line.tell('answer')
      assert.equal(await trial.answer(underway), 'answered')
    },
  },
  {
    name: 'module state belongs to one execution environment and lives as long',
    needs: ['workers'],
    async run(trial) {
      const count = (environmentId: string) => trial.value('count', {}, { environmentId })
      assert.deepEqual([await count('one'), await count('two'), await count('one')], [1, 1, 2])
    },
  },
  {
    name: 'several environments run concurrently',
    async run(trial) {
      const underway = []
      for (const environmentId of ['one', 'two', 'three'])
        underway.push(await trial.obeying({ environmentId }))
      for (const { line } of underway.toReversed()) line.tell('answer')
      for (const one of underway) assert.equal(await trial.answer(one), 'answered')
    },
  },
  {
    name: 'an environment runs one invocation at a time',
    needs: ['workers'],
    async run(trial) {
      const first = await trial.obeying()
      const second = trial.start(await trial.build('obey'))
      // An invocation beside the first would have had the time of several cold starts.
      for (const environmentId of ['two', 'three', 'four']) await trial.value('echo', {}, { environmentId })
      assert.equal(trial.switchboard.connections, 1, 'A second invocation ran beside the first.')
      first.line.tell('answer')
      assert.equal(await trial.answer(first), 'answered')
      const line = await trial.switchboard.next('The second invocation did not run')
      line.tell('answer')
      assert.equal(await trial.answer({ outcome: second, line }), 'answered')
    },
  },
  {
    name: 'code that never yields does not block other environments',
    needs: ['workers', 'stop'],
    async run(trial) {
      const abort = new AbortController()
      const stuck = await trial.obeying({ signal: abort.signal })
      stuck.line.tell('loop')
      assert.deepEqual(await trial.value('echo', { free: true }, { environmentId: 'another' }), {
        free: true,
      })
      abort.abort()
      await trial.rejects('ABORTED', stuck.outcome)
    },
  },
  {
    name: 'after a reload the next invocation has new module state',
    async run(trial) {
      assert.deepEqual([await trial.value('count'), await trial.value('count')], [1, 2])
      await trial.executor.reload('conformance')
      assert.equal(await trial.value('count'), 1)
    },
  },
  {
    name: 'a running invocation finishes during a reload, and the next has a new worker',
    needs: ['workers', 'exit'],
    async run(trial) {
      const running = await trial.obeyingWarm()
      await trial.executor.reload('conformance')
      const next = trial.start(await trial.build('obey'))
      running.line.tell('stay')
      assert.equal(await trial.answer(running), 'staying')
      // The connection that stays is the old worker's, and ends with it.
      await running.line.ends('The worker of the old code lives on')
      const line = await trial.switchboard.next('The next invocation did not run')
      line.tell('answer')
      assert.equal(await trial.answer({ outcome: next, line }), 'answered')
    },
  },
  {
    name: 'a reload leaves the workers of other functions',
    async run(trial) {
      const count = (functionId: string) =>
        trial.value('count', {}, { functionId, environmentId: `${functionId} one` })
      assert.deepEqual([await count('conformance'), await count('other')], [1, 1])
      await trial.executor.reload('conformance')
      assert.deepEqual([await count('conformance'), await count('other')], [1, 2])
    },
  },
]
