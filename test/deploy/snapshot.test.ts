import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fileSnapshots, goLive, restore, type SnapshotStore, s3Snapshots } from '../../src/deploy/index.js'
import { snapshotKeyId } from '../../src/deploy/snapshot/format.js'
import {
  deleteSnapshot,
  readCode,
  readSnapshot,
  type SnapshotPlace,
  snapshotIds,
  writeSnapshot,
} from '../../src/deploy/snapshot/kept.js'
import { codeHash, type Snapshot } from '../../src/deploy/snapshot/snapshot.js'
import { createLocalCloud, type LocalCloud } from '../../src/local/index.js'
import type { S3Bucket } from '../../src/local/s3/bucket.js'
import { type LiveAccount, liveAccount, PYTHON } from './live-fixture.js'

const ARN = 'arn:aws:lambda:eu-west-1:123456789012:function:api'
const CODE = Buffer.from('a zip')
const ROOT = Buffer.alloc(32, 7)
const SNAPSHOT: Snapshot = {
  version: 2,
  id: '0123456789abcdef',
  keyId: snapshotKeyId(ROOT, { app: 'app', stage: 'dev' }),
  functionArn: ARN,
  takenAt: '2026-11-21T08:00:00.000Z',
  app: 'app',
  stage: 'dev',
  mode: 'replace',
  original: {
    codeSha256: codeHash(CODE),
    codeBytes: CODE.length,
    runtime: 'python3.12',
    handler: 'app.handler',
    layers: [],
    timeoutSeconds: 3,
    memoryMb: 128,
    environment: { OWN: 'secret' },
  },
  live: {
    timeoutSeconds: [60],
    codeSha256: [codeHash(Buffer.from('stub'))],
    runtime: 'nodejs22.x',
    handler: 'index.handler',
  },
  policies: [],
}

let folder: string
let cloud: LocalCloud
let stores: Record<'file' | 's3', SnapshotStore>
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lambda-tether-snapshots-'))
  cloud = createLocalCloud()
  await cloud.open()
  cloud.bucket('snapshots')
  const { region, credentials, s3Endpoint } = cloud
  stores = {
    file: fileSnapshots(join(folder, 'kept')),
    s3: s3Snapshots({ bucket: 'snapshots', region, credentials, endpoint: s3Endpoint }),
  }
})
const at = (snapshots: SnapshotStore): SnapshotPlace => ({ snapshots, roots: [ROOT] })
afterEach(async () => {
  await cloud.close()
  await rm(folder, { recursive: true, force: true })
})

describe.each(['file', 's3'] as const)('%s snapshots', (kind) => {
  it('keep bytes, replace, list and delete them', async () => {
    const store = stores[kind]
    expect(await store.get('a/b/one.json')).toBeUndefined()
    expect(await store.list('')).toEqual([])
    await store.delete('a/b/one.json')
    await store.put('a/b/one.json', Buffer.from('1'))
    await store.put('a/b/one.json', Buffer.from('2'))
    await store.put('a/bb/two.json', Buffer.from('3'))
    expect(Buffer.from((await store.get('a/b/one.json')) ?? []).toString()).toBe('2')
    expect(await store.list('')).toEqual(['a/b/one.json', 'a/bb/two.json'])
    expect(await store.list('a/b/')).toEqual(['a/b/one.json'])
    await store.delete('a/b/one.json')
    expect(await store.list('')).toEqual(['a/bb/two.json'])
  })

  it('are put and deleted at once by several without loss', async () => {
    const store = stores[kind]
    const cycles = Array.from({ length: 8 }, async (_, at) => {
      for (let round = 0; round < 10; round += 1) {
        await store.put(`a/b/${at}.json`, Buffer.from(`${at} ${round}`))
        expect(Buffer.from((await store.get(`a/b/${at}.json`)) ?? []).toString()).toBe(`${at} ${round}`)
        await store.delete(`a/b/${at}.json`)
      }
    })
    await Promise.all(cycles)
    expect(await store.list('')).toEqual([])
  })

  it('give a function back', async () => {
    const store = stores[kind]
    await writeSnapshot(at(store), SNAPSHOT, CODE)
    expect(await snapshotIds(at(store), ARN)).toEqual([SNAPSHOT.id])
    const read = await readSnapshot(at(store), ARN, SNAPSHOT.id)
    expect(read).toEqual(SNAPSHOT)
    expect(Buffer.from(await readCode(at(store), SNAPSHOT))).toEqual(CODE)
    expect(await readSnapshot(at(store), ARN, 'fedcba9876543210')).toBeUndefined()
    expect(await readSnapshot(at(store), `${ARN}2`, SNAPSHOT.id)).toBeUndefined()
    await deleteSnapshot(at(store), SNAPSHOT)
    expect(await store.list('')).toEqual([])
  })

  it('that are damaged are never used', async () => {
    const store = stores[kind]
    await writeSnapshot(at(store), SNAPSHOT, CODE)
    const [json = '', code = ''] = await store.list('')
    await store.put(json, Buffer.from('{"version":2'))
    await store.put(code, Buffer.from('another zip'))
    const refusal = { code: 'STORE_FAILED', message: expect.stringContaining(SNAPSHOT.id) }
    await expect(readSnapshot(at(store), ARN, SNAPSHOT.id)).rejects.toMatchObject(refusal)
    await expect(readCode(at(store), SNAPSHOT)).rejects.toMatchObject(refusal)
    await store.delete(code)
    await expect(readCode(at(store), SNAPSHOT)).rejects.toMatchObject(refusal)
  })

  it('take a function there and back', async () => {
    const account: LiveAccount = await liveAccount()
    await using _account = account
    await account.create('python', {
      Code: { ZipFile: PYTHON },
      Runtime: 'python3.12',
      Handler: 'app.handler',
    })
    const before = await account.state('python')
    const options = account.options({ functions: ['python'], snapshots: stores[kind] })
    await goLive(options)
    const place = kind === 's3' ? 's3://snapshots/lambda-tether-snapshots/' : join(folder, 'kept')
    expect((await account.state('python')).tags['lambda-tether:snapshot']).toContain(place)
    expect(await stores[kind].list('')).toHaveLength(2)
    await restore(options)
    expect(await account.state('python')).toStrictEqual(before)
    expect(await stores[kind].list('')).toEqual([])
  })
})

describe('file snapshots', () => {
  it('are readable by their owner alone, and leave no folder', async () => {
    await writeSnapshot(at(stores.file), SNAPSHOT, CODE)
    const root = join(folder, 'kept')
    const paths = await readdir(root, { recursive: true, withFileTypes: true })
    for (const entry of [...paths, { parentPath: folder, name: 'kept', isFile: () => false }]) {
      const { mode } = await stat(join(entry.parentPath, entry.name))
      expect((mode & 0o777).toString(8)).toBe(entry.isFile() ? '600' : '700')
    }
    await deleteSnapshot(at(stores.file), SNAPSHOT)
    expect(await readdir(root)).toEqual([])
  })

  it('of a write that broke off are not found', async () => {
    await writeSnapshot(at(stores.file), SNAPSHOT, CODE)
    const [json = ''] = await stores.file.list('')
    await writeFile(join(folder, 'kept', `${json}.0123456789ab.tmp`), '{')
    expect(await snapshotIds(at(stores.file), ARN)).toEqual([SNAPSHOT.id])
  })

  it('need a folder', () => {
    expect(() => fileSnapshots('')).toThrow("'folder' must be a text that is not empty")
  })
})

describe('s3 snapshots', () => {
  it('lie apart from payloads, which a lifecycle rule deletes', async () => {
    await stores.s3.put('a/one.json', Buffer.from('1'))
    expect(cloud.bucket('snapshots').keys()).toEqual(['lambda-tether-snapshots/a/one.json'])
  })

  it('report a missing or forbidden bucket', async () => {
    const { region, credentials, s3Endpoint } = cloud
    const missing = s3Snapshots({ bucket: 'missing', region, credentials, endpoint: s3Endpoint })
    await expect(missing.put('a', CODE)).rejects.toMatchObject({
      code: 'STORE_FAILED',
      details: { reason: 'bucket-missing', status: 404 },
    })
    await expect(missing.get('a')).rejects.toMatchObject({ details: { reason: 'bucket-missing' } })
    const stranger = { accessKeyId: 'AKIASTRANGER', secretAccessKey: 'none' }
    const denied = s3Snapshots({ bucket: 'snapshots', region, credentials: stranger, endpoint: s3Endpoint })
    await expect(denied.list('')).rejects.toMatchObject({
      code: 'STORE_FAILED',
      details: { operation: 'get' },
    })
  })

  it('are listed over many pages', async () => {
    const bucket = cloud.bucket('snapshots') as S3Bucket
    for (let at = 0; at < 1_005; at += 1) {
      bucket.put(`lambda-tether-snapshots/a/${at}.json`, Buffer.from('1'), 'application/json')
    }
    expect(await stores.s3.list('a/')).toHaveLength(1_005)
  })
})
