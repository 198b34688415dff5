import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { goLive, type LiveOptions, restore } from '../../src/deploy/index.js'
import { type LiveAccount, liveAccount, PYTHON } from './live-fixture.js'
import { type LiveProcesses, liveProcesses } from './live-process.js'

const FUNCTIONS = ['wrapped', 'replaced']

let account: LiveAccount
let processes: LiveProcesses
let options: LiveOptions
let original: unknown
let live: unknown

beforeAll(async () => {
  processes = await liveProcesses()
  account = await liveAccount({ controlPlane: { updateMs: 5 } })
  await account.create('wrapped', {
    Environment: { Variables: { OWN: 'value', AWS_LAMBDA_EXEC_WRAPPER: '/opt/own/wrapper' } },
    Tags: { own: 'tag' },
  })
  await account.create('replaced', {
    Code: { ZipFile: PYTHON },
    Runtime: 'python3.12',
    Handler: 'app.handler',
  })
  options = account.options({ functions: FUNCTIONS, timeoutSeconds: 60 })
  original = await everything()
  await goLive(options)
  live = await everything()
  await restore(options)
  expect(await everything()).toEqual(original)
}, 60_000)
afterAll(async () => {
  await processes[Symbol.asyncDispose]()
  await account[Symbol.asyncDispose]()
})

/** All that going live touches, less what is random. */
async function everything(): Promise<unknown> {
  const states = await Promise.all(FUNCTIONS.map((name) => account.state(name)))
  const rest = {
    states,
    snapshots: (await options.snapshots.list('')).length,
    layers: await account.layers('iot'),
    policies: await Promise.all(FUNCTIONS.map((name) => account.policy(name))),
  }
  return JSON.parse(
    JSON.stringify(rest)
      .replaceAll(/("lambda-tether:snapshot":"|"LAMBDA_TETHER_SNAPSHOT":")[0-9a-f]{16}/g, '$1')
      .replaceAll(/(LAMBDA_TETHER_LIVE_UNTIL":")\d+/g, '$1')
      .replaceAll(/(:layer:[\w-]+:)\d+/g, '$1'),
  )
}

/**
 * Runs a call in a process that is killed when the control plane has carried out the nth request, or the nth that
 * changes anything.
 * @returns whether it got so far
 */
async function killedAfter(
  n: number,
  verb: 'goLive' | 'restore',
  which: 'requests' | 'changes' = 'requests',
): Promise<boolean> {
  const child = await processes.start(verb, options, join(account.folder, 'snapshots'))
  let calls = 0
  account.onCall = ({ stage, changes }) => {
    if (stage === 'before' || (which === 'changes' && !changes) || ++calls !== n) return undefined
    child.kill()
    // Its answer reaches nobody.
    return child.ended.then(() => 'cut')
  }
  const outcome = await child.ended
  account.onCall = () => undefined
  if (outcome?.error !== undefined) throw new Error(outcome.error)
  return outcome === undefined
}

/** Each kill takes a process: every twelfth one by default, and all of them with `EVERY_KILL=1`, as in `.ci/long`. */
const STEP = process.env.EVERY_KILL === '1' ? 1 : 12

// More than either needs; a call that is not so long ends the loop.
const MAX_CALLS = 100

describe('killed after any request', () => {
  it('of going live: going live again completes it, and restoring takes all of it back', async () => {
    let n = 0
    for (;;) {
      n += STEP
      expect(n).toBeLessThan(MAX_CALLS)
      const killed = await killedAfter(n, 'goLive')
      if (killed) await goLive(options)
      expect(await everything(), `live after request ${n}`).toEqual(live)
      await restore(options)
      expect(await everything(), `restored after request ${n}`).toEqual(original)
      if (!killed) break
    }
    expect(n).toBeGreaterThan(20)
  }, 300_000)

  it('that changes anything in going live: restoring alone takes all of it back', async () => {
    let n = 1
    for (; await killedAfter(n, 'goLive', 'changes'); n += STEP) {
      await restore(options)
      expect(await everything(), `restored after change ${n}`).toEqual(original)
    }
    await restore(options)
    expect(n).toBeGreaterThan(8)
  }, 300_000)

  it('of restoring: restoring again completes it', async () => {
    let n = 0
    for (;;) {
      n += STEP
      expect(n).toBeLessThan(MAX_CALLS)
      await goLive(options)
      const killed = await killedAfter(n, 'restore')
      if (killed) await restore(options)
      expect(await everything(), `restored after request ${n}`).toEqual(original)
      if (!killed) break
    }
    expect(n).toBeGreaterThan(15)
  }, 300_000)

  it('that changes anything in restoring: going live again completes that', async () => {
    await goLive(options)
    let n = 1
    for (; await killedAfter(n, 'restore', 'changes'); n += STEP) {
      await goLive(options)
      expect(await everything(), `live after change ${n}`).toEqual(live)
    }
    expect(n).toBeGreaterThan(5)
    expect(await everything()).toEqual(original)
  }, 300_000)
})
