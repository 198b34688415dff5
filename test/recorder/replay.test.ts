import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { diff } from '../../src/index.js'
import { openRecordings, record } from '../../src/recorder/index.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

test('records of memory and of a folder are replayed, and replays are records, marked', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lambda-tether-replay-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await using tether = new Tether()
  const session = tether
    .session()
    .serve({ functions: { api: (event: object) => ({ statusCode: 200, ...event }) } })
  await using recorder = record(session, { folder: join(folder, 'kept') })
  await session.open()
  await tether.stub()({ id: 7, token: 'secret-of-the-caller' }, stubContext())
  await recorder.flush()
  const [arrived] = recorder.records()
  const kept = await openRecordings(join(folder, 'kept')).get(arrived!.id)

  const fromMemory = await session.replay(arrived!)
  expect(fromMemory).toMatchObject({ value: { token: 'secret-of-the-caller' }, redacted: [] })
  expect(diff(arrived!, fromMemory).equal).toBe(true)

  const fromFolder = await session.replay(kept!, { event: (event) => ({ ...event, id: 8 }) })
  expect(fromFolder.redacted).toEqual(['/event/token'])
  const found = diff(kept!, fromFolder)
  expect(found.changes).toEqual([{ path: '/id', kind: 'changed', before: 7, after: 8 }])
  // The replay has the marks as its values.
  expect(found.skipped).toEqual([])
  expect(recorder.heads().map(({ replayed, outcome }) => [replayed, outcome])).toEqual([
    [false, 'value'],
    [true, 'value'],
    [true, 'value'],
  ])
})
