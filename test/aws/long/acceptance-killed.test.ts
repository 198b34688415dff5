import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { accountClients } from '../acceptance/clients.js'
import { contentOf } from '../acceptance/content.js'
import { type LocalSubject, openLocal } from '../acceptance/local.js'

const KILLS = 10
// A whole run makes more calls than these to Lambda and IAM.
const CALLS = 170
const SEED = 15

let local: LocalSubject
let folder: string
let accountFile: string
let onCall = () => {}

beforeAll(async () => {
  // The cloud lives in this process, and so survives the runs.
  local = await openLocal({
    controlPlane: { onCall: ({ stage }) => (stage === 'after' ? onCall() : undefined) },
  })
  folder = await mkdtemp(join(tmpdir(), 'lambda-tether-killed-'))
  accountFile = join(folder, 'account.json')
  await writeFile(accountFile, JSON.stringify(local.account))
})
afterAll(async () => {
  await local[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

/** Starts the program in a process group of its own: a kill takes its tests along. */
function program(...args: readonly string[]): ChildProcess {
  const words = ['test/aws/acceptance/program/run.js', '--account', accountFile, '--report', folder, ...args]
  return spawn(process.execPath, words, { detached: true, stdio: 'ignore' })
}

/** Kills a run after so many calls. @returns whether it got so far */
async function killedAfter(calls: number): Promise<boolean> {
  const child = program('--yes')
  const exit = once(child, 'exit')
  let left = calls
  onCall = () => {
    left -= 1
    if (left === 0) process.kill(-child.pid!, 'SIGKILL')
  }
  await exit
  onCall = () => {}
  return left <= 0
}

/** The same numbers in every run: between 1 and the calls of a whole one. */
function moments(): number[] {
  let state = SEED
  return Array.from({ length: KILLS }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return 1 + Math.floor((state / 2 ** 32) * CALLS)
  })
}

test('a run that is killed at any moment leaves nothing after the next start', async () => {
  using clients = accountClients(local.account)
  const before = await contentOf(clients)
  let left = 0
  for (const moment of moments()) {
    expect(await killedAfter(moment), `the run ended before call ${moment}`).toBe(true)
    if (JSON.stringify(await contentOf(clients)) !== JSON.stringify(before)) left += 1
    const [code] = await once(program('--clean'), 'exit')
    expect(code).toBe(0)
    expect(await contentOf(clients), `after a kill at call ${moment}`).toEqual(before)
  }
  expect(left).toBeGreaterThan(KILLS / 2)
}, 900_000)
