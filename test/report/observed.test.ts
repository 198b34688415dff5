import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest'
import type { EventTime, Session } from '../../src/index.js'
import { openRecordings } from '../../src/recorder/disk/recordings.js'
import type { Recorder } from '../../src/recorder/index.js'
import { record } from '../../src/recorder/recorder.js'
import { report } from '../../src/report/report.js'
import { observers } from '../support/tether.js'

// What only observes changes nothing: these suites pass with all of it attached to every session.
const observe = [
  watch,
  (session: Session) => void report(session, { write: (line) => void lines.push(line), colors: true }),
  (session: Session) => void recorders.push(record(session, { folder })),
]

const recorders: Recorder[] = []
const lines: string[] = []
const wrong: unknown[] = []
let seen = 0
let folder = ''

/** Listens to every event, and reads all that it has, at once and later. */
function watch(session: Session): void {
  let lastMs = Number.NEGATIVE_INFINITY
  const look = async (...args: object[]) => {
    seen++
    read(args)
    const { atMs } = args.at(-1) as EventTime
    if (!(atMs >= lastMs)) wrong.push(`${atMs} after ${lastMs}`)
    lastMs = atMs
    await new Promise(setImmediate)
    read(args)
  }
  for (const event of [
    'invoke',
    'ack',
    'respond',
    'fail',
    'decline',
    'displaced',
    'discard',
    'close',
  ] as const)
    session.on(event, (...args: object[]) => look(...args))
  session.on('log', (entry) => look(entry))
  session.on('reload', (event) => look(event))
  session.on('status', (...args) => look(...args))
}

function read(args: readonly object[]): void {
  for (const arg of args) {
    // A signal is made when it is read: the one thing of an invocation that costs.
    for (const key of ['event', 'value', 'body', 'error', 'settled', 'env', 'context']) Reflect.get(arg, key)
  }
}

describe('with a watcher, a report and a recorder attached to every session', async () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'observed-'))
    for (const one of observe) observers.add(one)
  })
  afterEach(() => {
    expect(wrong.splice(0)).toEqual([])
  })
  afterAll(async () => {
    observers.clear()
    await Promise.all(recorders.map((one) => one.close()))
    const recorded = recorders.reduce((sum, one) => sum + one.records().length, 0)
    const heads = await openRecordings(folder).heads()
    await rm(folder, { recursive: true })
    expect(recorded).toBeGreaterThan(300)
    expect(heads.length).toBeGreaterThan(300)
    expect(seen).toBeGreaterThan(300)
    expect(lines.length).toBeGreaterThan(300)
  })
  await import('../core/session.test.js')
  await import('../core/watching.test.js')
  await import('../core/delivery.test.js')
  await import('../core/closing.test.js')
  await import('../core/displacement.test.js')
  await import('../core/changed-functions.test.js')
  await import('../stub/mirror-session.test.js')
})
