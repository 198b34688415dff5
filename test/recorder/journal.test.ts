import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { systemClock } from '../../src/core/base/clock.js'
import type { Invocation } from '../../src/index.js'
import { Journal } from '../../src/recorder/disk/journal.js'
import { openRecordings } from '../../src/recorder/index.js'
import { LiveRecord } from '../../src/recorder/live-record.js'
import { RuleBook } from '../../src/recorder/redact/rules.js'
import { stubContext } from '../support/stub-context.js'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'journal-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

function ended(id: string, bytes: number): LiveRecord {
  const eventBytes = Buffer.alloc(bytes, ' ')
  eventBytes[0] = 0x31
  const invocation = { id, functionId: 'api', eventBytes, env: {}, context: stubContext(), deadline: 0 }
  const record = new LiveRecord(invocation as unknown as Invocation, 0, 0)
  LiveRecord.ended(record, { atMs: 1 }, undefined)
  return record
}

it('records that arrive faster than the disk writes are dropped and reported, until it has caught up', async () => {
  const happened: string[] = []
  const journal = new Journal({
    folder: join(root, 'kept'),
    keep: { count: 100, bytes: 1e9, days: 1 },
    rules: new RuleBook({}),
    clock: systemClock,
    events: {
      dropped: ({ id }) => happened.push(`dropped ${id}`),
      caughtUp: () => happened.push('caught up'),
      skipped: ({ id }) => happened.push(`skipped ${id}`),
      stopped: ({ message }) => happened.push(message),
    },
  })
  // 32 MB may wait.
  for (const id of ['a', 'b', 'c', 'd', 'e']) journal.add(ended(id, 10_000_000))
  expect(happened).toEqual(['dropped d', 'dropped e'])
  await journal.flush()
  expect(happened).toEqual(['dropped d', 'dropped e', 'caught up'])
  journal.add(ended('f', 10))
  await journal.close()
  const heads = await openRecordings(join(root, 'kept')).heads()
  expect(heads.map(({ id }) => id)).toEqual(['a', 'b', 'c', 'f'])
  expect(happened).toHaveLength(3)
})

it('nothing is written after it was closed', async () => {
  const events = { dropped() {}, caughtUp() {}, skipped() {}, stopped() {} }
  const keep = { count: 1, bytes: 1e9, days: 1 }
  const journal = new Journal({
    folder: join(root, 'kept'),
    keep,
    rules: new RuleBook({}),
    clock: systemClock,
    events,
  })
  await journal.close()
  journal.add(ended('a', 10))
  await journal.flush()
  expect(await openRecordings(join(root, 'kept')).heads()).toEqual([])
})
