import { join } from 'node:path'
import { DeleteFunctionCommand } from '@aws-sdk/client-lambda'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { fileSnapshots, goLive, type LiveOptions, restoreAll } from '../../src/deploy/index.js'
import { APP, type LiveAccount, liveAccount } from './live-fixture.js'
import { liveProcesses } from './live-process.js'

let account: LiveAccount
let options: LiveOptions
beforeEach(async () => {
  account = await liveAccount()
  for (const name of ['one', 'two', 'three']) await account.create(name)
  options = account.options({ functions: ['one', 'two'] })
})
afterEach(() => account[Symbol.asyncDispose]())

it('restores the functions of a host that crashed while going live', async () => {
  const before = [await account.state('one'), await account.state('two')]
  await using processes = await liveProcesses()
  const child = await processes.start('goLive', options, join(account.folder, 'snapshots'))
  // One of them is live, the other is at most tagged.
  account.onCall = ({ operation, stage }) => {
    if (operation !== 'UpdateFunctionConfiguration' || stage === 'before') return undefined
    child.kill()
    return child.ended.then(() => 'cut')
  }
  expect(await child.ended).toBeUndefined()
  account.onCall = () => undefined
  const { functions } = await restoreAll({ ...options, ...APP })
  expect(functions.map(({ functionName }) => functionName).sort()).toEqual(['one', 'two'])
  expect(functions.map(({ outcome }) => outcome)).toContain('restored')
  expect([await account.state('one'), await account.state('two')]).toStrictEqual(before)
  expect(await options.snapshots.list('')).toEqual([])
  expect(await restoreAll({ ...options, ...APP })).toEqual({ functions: [] })
})

it('leaves other applications and stages alone', async () => {
  const others = { ...options, functions: ['three'], stub: { ...options.stub, stage: 'other' } }
  await goLive(options)
  await goLive(others)
  const before = await account.state('three')
  await restoreAll({ ...options, ...APP })
  expect(await account.state('three')).toEqual(before)
  expect(await options.snapshots.list('')).toHaveLength(1)
  const { functions } = await restoreAll({ ...options, app: APP.app, stage: 'other' })
  expect(functions).toEqual([{ functionName: 'three', outcome: 'restored', kept: [] }])
})

it('reports functions with a snapshot elsewhere, and leaves them alone', async () => {
  await goLive(options)
  const before = await account.state('one')
  const elsewhere = { ...options, ...APP, snapshots: fileSnapshots(join(account.folder, 'elsewhere')) }
  expect(await restoreAll(elsewhere)).toEqual({
    functions: ['one', 'two'].map((functionName) => ({ functionName, outcome: 'elsewhere', kept: [] })),
  })
  // Also where an earlier run has left a snapshot here, even beside a damaged one.
  const [key = ''] = await options.snapshots.list('')
  const text = Buffer.from((await options.snapshots.get(key)) ?? []).toString()
  const id = '0123456789abcdef'
  const other = text.replace(/"id":"[0-9a-f]{16}"/, `"id":"${id}"`)
  await elsewhere.snapshots.put(key.replace(/[0-9a-f]{16}/, id), Buffer.from(other))
  await elsewhere.snapshots.put(key.replace(/[0-9a-f]{16}/, 'fedcba9876543210'), Buffer.from('{'))
  const { functions } = await restoreAll(elsewhere)
  expect(functions.map(({ outcome }) => outcome)).toEqual(['elsewhere', 'elsewhere'])
  expect(await account.state('one')).toEqual(before)
})

it('reports a damaged snapshot, and restores the others', async () => {
  await goLive(options)
  const [key = ''] = await options.snapshots.list('')
  await options.snapshots.put(key, Buffer.from('{'))
  await expect(restoreAll({ ...options, ...APP })).rejects.toMatchObject({
    code: 'STORE_FAILED',
    message: expect.stringContaining(`The snapshot ${key} in `),
  })
  expect((await account.state('one')).configuration.Layers).toHaveLength(1)
  expect((await account.state('two')).configuration.Layers).toBeUndefined()
})

it('forgets functions that were deleted while they were live', async () => {
  await goLive(options)
  await account.lambda.send(new DeleteFunctionCommand({ FunctionName: 'one' }))
  // Its role is still that of another.
  await account.create('four', { Role: 'arn:aws:iam::123456789012:role/one-role' })
  expect(await account.policies('one')).toHaveLength(1)
  const { functions } = await restoreAll({ ...options, ...APP })
  expect(functions).toEqual([
    { functionName: 'two', outcome: 'restored', kept: [] },
    { functionName: 'one', outcome: 'gone', kept: [] },
  ])
  expect(await options.snapshots.list('')).toEqual([])
  expect([await account.policies('one'), await account.layers('iot')]).toEqual([[], 0])
})
