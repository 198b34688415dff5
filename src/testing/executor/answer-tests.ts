import assert from 'node:assert/strict'
import { responseIn } from './outcome.js'
import type { ExecutorTest } from './trial.js'

/** The largest event and response that Lambda accepts, in bytes of JSON. */
const LARGEST_BYTES = 6 * 1024 * 1024

export const answerTests: readonly ExecutorTest[] = [
  {
    name: 'the response is the value that the function returns',
    async run(trial) {
      const events = [
        { text: 'größe 漢字 \u2028 🎉 "\\" \n', list: [1.5, -0, true, null, { deep: [[]] }] },
        null,
        'text',
        7,
      ]
      for (const event of events) assert.deepEqual(await trial.value('echo', event), roundTrip(event))
    },
  },
  {
    name: 'an event and a response may have 6 MiB',
    needs: ['large'],
    async run(trial) {
      const text = '漢'.repeat((LARGEST_BYTES - '{"text":""}'.length) / 3 - 1)
      const event = { text }
      const answer = (await trial.value('echo', event)) as { text?: unknown }
      // Not compared by deepEqual: its message would be as long as the text.
      assert(
        answer.text === text,
        `The response's text has ${String(answer.text).length} characters, not ${text.length}.`,
      )
    },
  },
  {
    name: "the caller's event stays unchanged",
    async run(trial) {
      // A view into a larger buffer, as it comes from a frame.
      const whole = new TextEncoder().encode(`____${JSON.stringify({ mine: true })}____`)
      const event = whole.subarray(4, -4)
      const build = await trial.build('echo')
      const outcome = trial.execute(build, null, { event })
      assert.deepEqual(responseIn(await trial.within("'echo' had no outcome", outcome)), { mine: true })
      assert.equal(
        new TextDecoder().decode(whole),
        '____{"mine":true}____',
        'The bytes of the event have changed.',
      )
    },
  },
  {
    name: 'the next invocation runs a new build',
    async run(trial) {
      assert.equal(await trial.value('count'), 1)
      assert.deepEqual(await trial.value('echo', { now: 'another' }), { now: 'another' })
    },
  },
  {
    name: 'a handler that is not async answers with its return value',
    needs: ['callbacks'],
    async run(trial) {
      assert.deepEqual(await trial.value('plain', { answer: 42 }), { answer: 42 })
    },
  },
  {
    name: 'a callback answers or fails the invocation',
    needs: ['callbacks'],
    async run(trial) {
      assert.deepEqual(await trial.value('callback', { answer: { n: 42 } }), { n: 42 })
      const { errorType, errorMessage } = await trial.error('callback', { message: 'called back' })
      assert.deepEqual([errorType, errorMessage], ['ConformanceError', 'called back'])
    },
  },
  {
    name: 'context.succeed, done and fail end the invocation',
    needs: ['callbacks', 'late'],
    async run(trial) {
      for (const method of ['succeed', 'done']) {
        assert.deepEqual(await trial.value('method', { method, answer: { n: 42 } }), { n: 42 }, method)
      }
      const { errorType, errorMessage } = await trial.error('method', { method: 'fail', answer: 'enough' })
      assert.deepEqual([errorType, errorMessage], ['ConformanceError', 'enough'])
    },
  },
  {
    name: "a callback's answer waits for an empty event loop, unless the context says otherwise",
    needs: ['callbacks', 'late'],
    async run(trial) {
      assert.deepEqual(await trial.value('late', { waits: true }), ['later'])
      assert.deepEqual(await trial.value('late', { waits: false }), [])
    },
  },
]

function roundTrip(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}
