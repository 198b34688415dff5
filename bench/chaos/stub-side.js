import { setTimeout as sleep } from 'node:timers/promises'
import { lambdaContext } from '../invocation/context.js'
import { residentMb } from '../process/memory.js'
import { seededRandom } from '../seeded/random.js'
import { collecting } from './collecting.js'
import { chaosInvocations } from './invocations.js'

const TIME_OUT_MS = 30_000
/** The functions that are invoked. */
export const FUNCTIONS = ['served', 'listened', 'streamed']
/** Whether a function's stub streams its responses. */
export const streams = (functionId) => functionId === 'streamed'
// An execution environment lives for so many invocations, and another takes its place.
const LIFE = { least: 50, most: 250 }
const REPORT_EVERY = 20
// Without a session, an environment fails at once: without a pause, all remaining invocations would fail.
const PAUSE_AFTER_FAILURE_MS = 250
// Memory is compared between two moments of the same process: once it is warm, and at its end.
const WARM_AFTER = 0.25

/**
 * Invokes the numbers from `from` to `to` through many stubs at once. `timeOutMs` is the function's own time-out, by
 * default 30 s; `around` gets each stub and returns the function to call in its place.
 * @returns the outcomes
 */
export async function runStubs({
  seed,
  from,
  to,
  stubs,
  timeOutMs = TIME_OUT_MS,
  makeStub,
  around = (handler) => handler,
  onProgress,
}) {
  const { event, answer } = chaosInvocations(seed)
  const random = seededRandom(seed + from)
  const result = {
    sent: 0,
    answered: 0,
    failed: {},
    lost: 0,
    crossAnswered: 0,
    latencies: [],
    answeredAt: {},
    residentMb: [],
  }
  const warmAt = from + Math.round((to - from) * WARM_AFTER)
  let next = from
  let settled = 0

  const invoke = async (handler) => {
    const number = next++
    result.sent++
    const input = event(number)
    const startedAt = performance.now()
    const outcome = await outcomeOf(handler, input, { number, timeOutMs })
    result.latencies.push(performance.now() - startedAt)
    if (outcome !== undefined && 'value' in outcome) result.answeredAt[number] = Date.now()
    count(result, outcome, answer(input))
    if (number === warmAt) result.residentMb.push(residentMb())
    if (++settled % REPORT_EVERY === 0) onProgress(REPORT_EVERY)
    if (outcome !== undefined && 'error' in outcome) await sleep(PAUSE_AFTER_FAILURE_MS)
  }
  const runOne = async (index) => {
    // Some environments run several invocations at once, as on Managed Instances.
    const concurrency = index % 4 === 3 ? 3 : 1
    while (next < to) {
      const functionId = FUNCTIONS[index % FUNCTIONS.length]
      const made = makeStub(functionId, index)
      const handler = around(streams(functionId) ? collecting(made) : made)
      let life = LIFE.least + Math.floor(random() * (LIFE.most - LIFE.least))
      const lane = async () => {
        while (life-- > 0 && next < to) await invoke(handler)
      }
      await Promise.all(Array.from({ length: concurrency }, lane))
      await made.close()
    }
  }
  const running = Promise.all(Array.from({ length: stubs }, (_, index) => runOne(index)))
  return {
    inFlight: () => result.sent - settled,
    done: running.then(() => {
      result.residentMb.push(residentMb())
      return result
    }),
  }
}

/** `{ value }`, `{ error }`, or undefined without an outcome by the deadline. */
function outcomeOf(handler, input, { number, timeOutMs }) {
  const deadline = performance.now() + timeOutMs
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeOutMs)
    const settle = (outcome) => {
      clearTimeout(timer)
      resolve(outcome)
    }
    handler(input, lambdaContext({ functionName: 'chaos', awsRequestId: String(number), deadline })).then(
      (value) => settle({ value }),
      (error) => settle({ error }),
    )
  })
}

function count(result, outcome, expected) {
  if (outcome === undefined) {
    result.lost++
  } else if ('error' in outcome) {
    const code = codeOf(outcome.error)
    if (!(code in result.failed)) console.error(`first ${code}: ${outcome.error?.message}`)
    result.failed[code] = (result.failed[code] ?? 0) + 1
    // Neither this package's error nor anything that local code could have thrown.
    if (!TYPED.test(String(outcome.error?.name))) result.lost++
  } else {
    result.answered++
    const { value } = outcome
    const own =
      value?.number === expected.number && value.digest === expected.digest && value.body === expected.body
    if (!own) result.crossAnswered++
  }
}

const TYPED = /^LambdaTether\.[A-Z_]+$/
const codeOf = (error) => String(error?.name ?? typeof error).replace('LambdaTether.', '')
