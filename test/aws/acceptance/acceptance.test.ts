import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { generateKey } from '../../../src/index.js'
import { newRun } from './account.js'
import { accountClients } from './clients.js'
import { type LocalSubject, openLocal } from './local.js'
import { AMOUNTS } from './program/cost.js'
import { leftRuns, removeRun } from './remove.js'
import { Report } from './report.js'
import { createRole, namesOf } from './resources.js'
import { settingsFromEnvironment } from './settings.js'
import { answersSuite } from './suites/answers.js'
import { limitsSuite } from './suites/limits.js'
import { liveSuite } from './suites/live.js'
import type { Subject } from './suites/subject.js'
import { transportSuite } from './suites/transport.js'

const MINUTE = 60_000

// `npm run accept:aws` says which account; without it, as in CI, a local cloud of this file's own is one.
const given = settingsFromEnvironment()
const usage = { iotUnits: 0, invocations: 0 }
const local = given === undefined ? await openMeteredLocal() : undefined
const { account, stack } = given ?? local!
const run = given?.run ?? newRun()
const folder = given?.report ?? (await mkdtemp(join(tmpdir(), 'lambda-tether-accept-')))
const clients = accountClients(account)
const report = new Report(account, run)
const subject: Subject = {
  account,
  clients,
  run,
  report,
  folder,
  key: generateKey(),
  stack,
  timeoutMs: account.kind === 'aws' ? 10 * MINUTE : MINUTE,
}
let roleArn = ''

beforeAll(async () => {
  // First: by it a later run finds what this one leaves when it is killed.
  roleArn = await createRole(clients.iam, namesOf(run).role)
}, subject.timeoutMs)

afterEach(({ task }) => {
  const [error] = task.result?.errors ?? []
  const test = [task.suite?.name, task.name].filter(Boolean).join(' ')
  report.outcomes.push({ test, state: task.result?.state ?? 'skip', ...(error && { error: error.message }) })
})

afterAll(async () => {
  try {
    await report.write(folder)
    await removeRun(clients, run)
    expect(await leftRuns(clients)).not.toContain(run)
    if (given === undefined) await checkReport()
  } finally {
    clients[Symbol.dispose]()
    await local?.[Symbol.asyncDispose]()
    if (given === undefined) await rm(folder, { recursive: true })
  }
}, subject.timeoutMs)

answersSuite(subject)
transportSuite(subject)
limitsSuite(subject)
liveSuite(subject, () => roleArn)

/** A local cloud that counts what AWS would charge for. */
async function openMeteredLocal(): Promise<LocalSubject> {
  const subject = await openLocal({
    controlPlane: {
      onCall: ({ operation, stage }) => {
        if (operation === 'Invoke' && stage === 'after') usage.invocations += 1
      },
    },
  })
  const meter = ({ topic, bytes }: { topic: string; bytes: number }) => {
    usage.iotUnits += Math.ceil((topic.length + bytes) / 5_120)
  }
  subject.cloud.broker.on('publish', meter).on('deliver', meter)
  return subject
}

/** The report has what its page promises, and nothing of the account. */
async function checkReport(): Promise<void> {
  const text = await readFile(join(folder, 'report.md'), 'utf8')
  expect(text).toContain('a warm invocation answered from here, median of 20')
  expect(text).not.toContain(run)
  expect(text).not.toContain(account.credentials!.accessKeyId)
  expect(2 * usage.iotUnits, 'the estimate of the cost is too low').toBeLessThan(AMOUNTS.iotUnits)
  expect(2 * usage.invocations, 'the estimate of the cost is too low').toBeLessThan(AMOUNTS.invocations)
  expect(usage.iotUnits).toBeGreaterThan(AMOUNTS.iotUnits / 20)
}
