import { execFileSync } from 'node:child_process'
import { lstat, mkdir, mkdtemp, readdir, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fileSnapshots, goLive, restoreAll, type SnapshotStore, s3Snapshots } from '../../src/deploy/index.js'
import { readBounded } from '../../src/deploy/snapshot/bounded.js'
import { APP, type LiveAccount, liveAccount, PYTHON } from './live-fixture.js'

const ID = '0123456789abcdef'

let account: LiveAccount
let root: string
beforeEach(async () => {
  account = await liveAccount()
  root = join(await mkdtemp(join(tmpdir(), 'lambda-tether-foreign-')), 'kept')
  await account.create('one', { Code: { ZipFile: PYTHON }, Runtime: 'python3.12', Handler: 'app.handler' })
})
afterEach(async () => {
  await account[Symbol.asyncDispose]()
  await rm(dirname(root), { recursive: true, force: true })
})

function storeOf(kind: 'file' | 's3'): SnapshotStore {
  if (kind === 'file') return fileSnapshots(root)
  const { region, credentials, s3Endpoint: endpoint } = account.cloud
  account.cloud.bucket('snapshots')
  return s3Snapshots({ bucket: 'snapshots', region, credentials, endpoint })
}

describe.each(['file', 's3'] as const)('foreign things among %s snapshots', (kind) => {
  it('are ignored and kept', async () => {
    const snapshots = storeOf(kind)
    const foreign = [
      'README.md',
      `${ID}.json`,
      'x/y/z.json',
      `123456789012/us-east-1/one/${ID}.txt`,
      '123456789012/us-east-1/one/notes.json',
      `123456789012/us-east-1/one/deeper/${ID}.json`,
      `123456789012/us-east-1/two more/${ID}.json`,
      `12/us-east-1/one/${ID}.json`,
      `123456789012/us-east-1/${'x'.repeat(65)}/${ID}.json`,
    ]
    for (const key of foreign) await snapshots.put(key, Buffer.from('{'))
    // That of a function which never was.
    await snapshots.put(`123456789012/us-east-1/ghost/${ID}.json`, Buffer.from('{"version":2}'))
    const before = await account.state('one')
    const options = account.options({ functions: ['one'], snapshots })
    await goLive(options)
    const { functions } = await restoreAll({ ...options, ...APP })
    expect(functions).toEqual([{ functionName: 'one', outcome: 'restored', kept: [] }])
    expect(await account.state('one')).toStrictEqual(before)
    const left = [...foreign, `123456789012/us-east-1/ghost/${ID}.json`].sort()
    expect(await snapshots.list('')).toEqual(left)
  })

  it('that exceed the maximum size are not read to their end', async () => {
    const snapshots = storeOf(kind)
    await snapshots.put('a/large', Buffer.alloc(100_000))
    await expect(snapshots.get('a/large', { maxBytes: 99_999 })).rejects.toMatchObject({
      code: 'TOO_LARGE',
      message: 'a/large has more than 99999 bytes.',
    })
    expect(await snapshots.get('a/large', { maxBytes: 100_000 })).toHaveLength(100_000)
  })
})

it('a stream is left once it exceeds the maximum size', async () => {
  let [given, ended] = [0, false]
  async function* endless() {
    try {
      for (;;) {
        given += 1
        yield Buffer.alloc(1_000)
      }
    } finally {
      ended = true
    }
  }
  await expect(readBounded('endless', endless(), 10_000)).rejects.toThrow(
    'endless has more than 10000 bytes.',
  )
  expect([given, ended]).toEqual([11, true])
})

describe('in the place of a snapshot’s file', () => {
  const key = `123456789012/us-east-1/one/${ID}.json`
  beforeEach(() => mkdir(dirname(join(root, key)), { recursive: true }))

  it.each<[string, () => Promise<unknown>]>([
    ['a folder', () => mkdir(join(root, key))],
    ['a link to a file', () => symlink('/etc/hostname', join(root, key))],
    ['a link to nothing', () => symlink('/nowhere', join(root, key))],
    ['a pipe that nobody writes to', async () => execFileSync('mkfifo', [join(root, key)])],
    ['not even the function’s folder', () => rm(dirname(join(root, key)), { recursive: true })],
  ])('%s is nothing, and is not waited for', async (_what, make) => {
    await make()
    const store = fileSnapshots(root)
    expect(await store.get(key)).toBeUndefined()
    expect(await store.list('123456789012/us-east-1/one/')).toEqual([])
  })

  it('a file in a folder’s place is an error with a name, when something is to be kept there', async () => {
    await rm(join(root, '123456789012'), { recursive: true })
    await writeFile(join(root, '123456789012'), '')
    const store = fileSnapshots(root)
    expect(await store.get(key)).toBeUndefined()
    expect(await store.list('123456789012/us-east-1/one/')).toEqual([])
    await store.delete(key)
    await expect(store.put(key, Buffer.from('{'))).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining(`The snapshot folder ${root} is not as it must be: E`),
    })
    expect((await lstat(join(root, '123456789012'))).isFile()).toBe(true)
  })

  it('a file with more than a machine has is refused, and its memory is not asked for', async () => {
    await writeFile(join(root, key), '')
    await truncate(join(root, key), 2 ** 40)
    await expect(fileSnapshots(root).get(key, { maxBytes: 1_000 })).rejects.toMatchObject({
      code: 'TOO_LARGE',
    })
    expect(await readdir(dirname(join(root, key)))).toEqual([`${ID}.json`])
  })
})
