import { truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam'
import { DeleteFunctionCommand, UpdateFunctionConfigurationCommand } from '@aws-sdk/client-lambda'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { rootKey } from '../../src/core/wire/root-key.js'
import { goLive, type LiveOptions, plan, restore, restoreAll } from '../../src/deploy/index.js'
import { policyNameOf } from '../../src/deploy/names.js'
import { snapshotBytes, snapshotKeyId } from '../../src/deploy/snapshot/format.js'
import { codeHash, type Snapshot } from '../../src/deploy/snapshot/snapshot.js'
import { generateKey } from '../../src/index.js'
import { nestedArrays, nestedObjects } from '../support/nested.js'
import { APP, CJS, ESM, type LiveAccount, liveAccount, PYTHON } from './live-fixture.js'

/** A snapshot as it lies there, to be changed. */
type Kept = { -readonly [K in keyof Snapshot]: Snapshot[K] } & { code: string }

const FUNCTIONS = ['node', 'python']

let account: LiveAccount
let options: LiveOptions
/** As somebody restores who has no key. */
let keyless: Omit<LiveOptions, 'stub' | 'bundle'>
beforeEach(async () => {
  account = await liveAccount()
  await account.create('node', { Environment: { Variables: { OWN: 'value' } } })
  await account.create('python', { Code: { ZipFile: PYTHON }, Runtime: 'python3.12', Handler: 'app.handler' })
  options = account.options({ functions: FUNCTIONS, timeoutSeconds: 60 })
  const { stub: _, bundle: __, ...rest } = options
  keyless = rest
})
afterEach(() => account[Symbol.asyncDispose]())

const key = async (name: string, end = '.json') =>
  (await options.snapshots.list('')).find((one) => one.includes(`/${name}/`) && one.endsWith(end)) ?? ''

async function kept(name: string): Promise<Kept> {
  return JSON.parse(Buffer.from((await options.snapshots.get(await key(name))) ?? []).toString())
}

/** Changes a snapshot where it lies. */
async function change(name: string, act: (snapshot: Kept) => unknown): Promise<void> {
  const snapshot = await kept(name)
  act(snapshot)
  await options.snapshots.put(await key(name), Buffer.from(JSON.stringify(snapshot)))
}

/** Somebody deploys a function with these variables, and knows nothing of ours. */
async function withVariables(name: string, Variables: Record<string, string>): Promise<void> {
  const update = { FunctionName: name, Environment: { Variables } }
  await account.lambda.send(new UpdateFunctionConfigurationCommand(update))
  const status = async () => (await account.state(name)).configuration.LastUpdateStatus
  await expect.poll(status, { interval: 5 }).toBe('Successful')
}

/** Signs a snapshot as its owner would. */
const authentic = ({ code: _, ...snapshot }: Kept, root = options.stub.key) => {
  const bytes = rootKey('key', root)
  return snapshotBytes({ ...snapshot, keyId: snapshotKeyId(bytes, snapshot) }, [bytes])
}

const states = () => Promise.all(FUNCTIONS.map((name) => account.state(name)))

/** Expects calls to be refused for a snapshot, and not to have changed anything. */
async function expectRefused(
  name: string,
  what: RegExp,
  ...attempts: (() => Promise<unknown>)[]
): Promise<void> {
  const before = [await states(), await account.policies('node'), await account.layers('iot')]
  account.changes.length = 0
  for (const attempt of attempts) {
    const thrown = await attempt().then(
      () => 'nothing was thrown',
      (error: unknown) => error,
    )
    expect(thrown).toMatchObject({ code: 'STORE_FAILED', message: expect.stringMatching(what) })
    expect((thrown as Error).message).toContain(await key(name))
  }
  expect(account.changes).toEqual([])
  expect([await states(), await account.policies('node'), await account.layers('iot')]).toEqual(before)
}

describe('a snapshot that an attacker changed, read with the key', () => {
  it.each<[string, (snapshot: Kept) => unknown]>([
    ['the handler', ({ original }) => Object.assign(original, { handler: 'app.handlex' })],
    ['the runtime', ({ original }) => Object.assign(original, { runtime: 'python3.13' })],
    [
      'a layer',
      ({ original }) => Object.assign(original, { layers: ['arn:aws:lambda:us-east-1:1:layer:x:1'] }),
    ],
    ['a variable', ({ original }) => Object.assign(original, { environment: { OWN: 'valuf' } })],
    ['a time-out', ({ original }) => Object.assign(original, { timeoutSeconds: 4 })],
    ['the hash of the code', ({ original }) => Object.assign(original, { codeSha256: codeHash(CJS) })],
    ['what was set', ({ live }) => Object.assign(live, { timeoutSeconds: [3, 60] })],
    [
      'a policy',
      (snapshot) => Object.assign(snapshot, { policies: [{ roleName: 'x', session: 'default' }] }),
    ],
    ['its time', (snapshot) => Object.assign(snapshot, { takenAt: '2020-01-01T00:00:00.000Z' })],
    ['its mode', (snapshot) => Object.assign(snapshot, { mode: 'wrap' })],
    ['its code', (snapshot) => Object.assign(snapshot, { code: 'A'.repeat(43) })],
  ])('in %s is refused before anything is touched', async (_what, act) => {
    await goLive(options)
    await change('python', act)
    const one = { ...options, functions: ['python'] }
    await expectRefused(
      'python',
      /its authentication code is wrong: somebody changed it/,
      () => restore(one),
      () => restore({ ...keyless, functions: ['python'], key: options.stub.key }),
      () => goLive(one),
      () => plan(one),
    )
  })

  it('is refused by restoreAll, which restores the others', async () => {
    const [node] = await states()
    await goLive(options)
    await change('python', ({ original }) => Object.assign(original, { handler: 'x' }))
    await expect(restoreAll({ ...options, ...APP })).rejects.toMatchObject({
      code: 'STORE_FAILED',
      details: { reason: 'forged', key: await key('python') },
    })
    expect(await account.state('node')).toStrictEqual(node)
    expect((await account.state('python')).configuration.Handler).toBe('index.handler')
  })

  it('in order and white space alone is the same', async () => {
    const before = await states()
    await goLive(options)
    const { original, ...rest } = await kept('node')
    const text = JSON.stringify({ original, ...rest }, null, 2)
    await options.snapshots.put(await key('node'), Buffer.from(text))
    await restore(options)
    expect(await states()).toStrictEqual(before)
  })

  it('is refused if its code differs, even without the variables', async () => {
    await goLive(options)
    await options.snapshots.put(await key('python', '.zip'), CJS)
    const refused = () => restore({ ...options, functions: ['python'] })
    const zip = await key('python', '.zip')
    await expect(refused()).rejects.toMatchObject({ code: 'STORE_FAILED', details: { key: zip } })
    await withVariables('python', {})
    const before = await account.state('python')
    account.changes.length = 0
    await expect(refused()).rejects.toMatchObject({ code: 'STORE_FAILED', details: { key: zip } })
    expect(account.changes).toEqual([])
    expect(await account.state('python')).toEqual(before)
  })

  it('is refused if only the tag still names it, and stays', async () => {
    await goLive(options)
    await withVariables('python', {})
    await change('python', ({ original }) => Object.assign(original, { handler: 'x' }))
    const one = { ...options, functions: ['python'] }
    await expectRefused(
      'python',
      /its authentication code is wrong/,
      () => restore(one),
      () => goLive(one),
    )
    expect(await key('python')).not.toBe('')
  })

  it('of another function is refused, even if authentic', async () => {
    await goLive(options)
    const other = (await options.snapshots.get(await key('python'))) ?? new Uint8Array()
    await options.snapshots.put(await key('node'), other)
    await expectRefused('node', /it is that of arn:aws:lambda:us-east-1:123456789012:function:python, /, () =>
      restore({ ...options, functions: ['node'] }),
    )
  })

  it('of another stage is refused, even if authentic', async () => {
    await goLive(options)
    const other = { ...(await kept('node')), stage: 'prod' }
    await options.snapshots.put(await key('node'), authentic(other))
    const what = /it is of live app, stage prod, and the function is live for live app, stage dev/
    await expectRefused(
      'node',
      what,
      () => restore({ ...options, functions: ['node'] }),
      () => restore({ ...keyless, functions: ['node'] }),
    )
  })

  it('made with another key is refused, and the error names both', async () => {
    await goLive(options)
    const stranger = generateKey()
    await options.snapshots.put(await key('node'), authentic(await kept('node'), stranger))
    const [theirs, ours] = [stranger, options.stub.key].map((one) => snapshotKeyId(rootKey('key', one), APP))
    await expectRefused('node', new RegExp(`made with key ${theirs}, and you gave ${ours}\\.`), () =>
      restore({ ...options, functions: ['node'] }),
    )
  })
})

describe('a key that is rotated', () => {
  it('accepts the former key for functions that went live with it, and signs again with the present one', async () => {
    const before = await states()
    await goLive(options)
    const former = options.stub.key
    const rotated = { ...options, stub: { ...options.stub, key: generateKey() } }
    await expect(goLive(rotated)).rejects.toMatchObject({ details: { reason: 'key' } })
    await goLive({ ...rotated, key: [former] })
    await restore(rotated)
    expect(await states()).toStrictEqual(before)
    expect(await options.snapshots.list('')).toEqual([])
  })

  it('is one of a list for going back', async () => {
    const before = await states()
    await goLive(options)
    await restore({ ...keyless, key: [generateKey(), rootKey('key', options.stub.key)] })
    expect(await states()).toStrictEqual(before)
  })
})

describe('a snapshot that an attacker changed, read without a key', () => {
  const policyName = policyNameOf(APP)

  async function addPolicy(RoleName: string, PolicyName: string): Promise<void> {
    const { region, credentials, iamEndpoint: endpoint } = account.cloud
    const iam = new IAMClient({ region, credentials, endpoint })
    const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [] })
    await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument }))
    iam.destroy()
  }

  it('is restored if nothing was changed', async () => {
    const before = await states()
    await goLive(options)
    await restore(keyless)
    expect(await states()).toStrictEqual(before)
    expect([await account.policies('node'), await options.snapshots.list('')]).toEqual([[], []])
  })

  it('removes no policy from a role that is not the function’s own', async () => {
    await account.create('stranger')
    await addPolicy('stranger-role', policyName)
    await goLive({ ...options, functions: ['node'] })
    await change('node', (snapshot) => {
      snapshot.policies = snapshot.policies.map((one) => ({ ...one, roleName: 'stranger-role' }))
    })
    await restore({ ...keyless, functions: ['node'] })
    expect(await account.policies('stranger')).toEqual([policyName])
  })

  it('removes no policy by a name that this package does not make', async () => {
    await addPolicy('node-role', 'Admin')
    await goLive({ ...options, functions: ['node'] })
    await change('node', (snapshot) => {
      snapshot.policies = snapshot.policies.map((one) => ({
        ...one,
        policyName: 'Admin',
        session: '../Admin',
      }))
    })
    const { code: _, ...without } = await kept('node')
    await expectRefused('node', /'snapshot\.policies\[0\]\.policyName' is no option/, () =>
      restore({ ...keyless, functions: ['node'] }),
    )
    await change('node', (snapshot) => {
      snapshot.policies = without.policies.map(({ roleName, session }) => ({ roleName, session }))
    })
    await restore({ ...keyless, functions: ['node'] })
    expect(await account.policies('node')).toContain('Admin')
  })

  it('removes no policy of a role after its function was deleted', async () => {
    await account.create('stranger')
    await addPolicy('stranger-role', policyName)
    await goLive({ ...options, functions: ['node'] })
    await change('node', (snapshot) => {
      snapshot.policies = [{ roleName: 'stranger-role', session: 'default' }]
    })
    await account.lambda.send(new DeleteFunctionCommand({ FunctionName: 'node' }))
    const { functions } = await restoreAll({ ...keyless, ...APP } as never)
    expect(functions).toEqual([{ functionName: 'node', outcome: 'gone', kept: [] }])
    expect(await account.policies('stranger')).toEqual([policyName])
  })

  it('changes no function that names no snapshot', async () => {
    await goLive({ ...options, functions: ['python'] })
    const invented = await kept('python')
    const functionArn = invented.functionArn.replace('python', 'node')
    // Its own code is said to be a stub that was put there, and an attacker's to be the original.
    const original = {
      ...invented.original,
      codeSha256: codeHash(CJS),
      runtime: 'nodejs22.x',
      handler: 'x.y',
    }
    const live = { ...invented.live, codeSha256: [codeHash(ESM)] }
    const base = (await key('python')).replace('/python/', '/node/').replace('.json', '')
    const bytes = Buffer.from(JSON.stringify({ ...invented, functionArn, original, live }))
    const before = await account.state('node')
    for (const attempt of [
      () => restore({ ...keyless, functions: ['node'] }),
      () => restoreAll({ ...keyless, ...APP, functions: undefined } as never),
    ]) {
      await options.snapshots.put(`${base}.json`, bytes)
      await options.snapshots.put(`${base}.zip`, CJS)
      await attempt()
      expect(await account.state('node')).toStrictEqual(before)
    }
  })
})

describe('restoreAll', () => {
  it('leaves a function alone that is live for another stage, despite a planted snapshot', async () => {
    const prod = { ...options, functions: ['node'], stub: { ...options.stub, stage: 'prod' } }
    await goLive(prod)
    const before = await account.state('node')
    const planted = { ...(await kept('node')), id: '0123456789abcdef', stage: 'dev' }
    const at = (await key('node')).replace(/[0-9a-f]{16}/, planted.id)
    await options.snapshots.put(at, authentic(planted))
    await restoreAll({ ...options, ...APP })
    expect(await account.state('node')).toEqual(before)
    await restore(prod)
  })
})

describe('a file of a snapshot', () => {
  const refuse = (what: RegExp) => expectRefused('node', what, ...attempts())
  const attempts = () => [
    () => restore({ ...options, functions: ['node'] }),
    () => restore({ ...keyless, functions: ['node'] }),
  ]

  beforeEach(async () => {
    await goLive({ ...options, functions: ['node'] })
  })

  it('that is cut off anywhere is refused', async () => {
    const whole = (await options.snapshots.get(await key('node'))) ?? new Uint8Array()
    for (let length = 0; length < whole.length; length += 97) {
      await options.snapshots.put(await key('node'), whole.subarray(0, length))
      await refuse(/it is no JSON, or cut off/)
    }
  })

  it('that is huge is not read', async () => {
    const path = join(account.folder, 'snapshots', await key('node'))
    // No memory and no disk has that much: the file has a hole.
    await truncate(path, 2 ** 40)
    await refuse(/it has more than 262144 bytes/)
  })

  it('that is huge is refused wherever it is kept', async () => {
    const get = options.snapshots.get
    const careless = { ...options.snapshots, get: async (name: string) => get(name) }
    const whole = (await get(await key('node'))) ?? new Uint8Array()
    await options.snapshots.put(await key('node'), Buffer.concat([whole, Buffer.alloc(300_000, ' ')]))
    const one = { ...options, functions: ['node'], snapshots: careless }
    await expectRefused('node', /it has more than 262144 bytes/, () => restore(one))
  })

  it.each([
    ['arrays', nestedArrays(3_000)],
    ['objects', nestedObjects(3_000)],
  ])('with nested %s in any field is refused by the field’s name', async (_kind, deep) => {
    const whole = await kept('node')
    for (const name of Object.keys(whole)) {
      await change('node', (snapshot) => Object.assign(snapshot, whole, { [name]: deep }))
      await refuse(new RegExp(`'snapshot\\.${name}`))
    }
  })

  it('with 100,000 nested arrays is refused', async () => {
    await options.snapshots.put(await key('node'), Buffer.from('['.repeat(100_000) + ']'.repeat(100_000)))
    await refuse(/'snapshot' must be an object of version, .*, not a list/)
  })

  it.each<[string, (snapshot: Kept) => unknown]>([
    ['version', (snapshot) => Object.assign(snapshot, { version: 1 })],
    ['original.environment.OWN', ({ original }) => Object.assign(original, { environment: { OWN: 5 } })],
    ['original.layers', ({ original }) => Object.assign(original, { layers: {} })],
    ['original.layers[0]', ({ original }) => Object.assign(original, { layers: [null] })],
    ['live', (snapshot) => Object.assign(snapshot, { live: undefined })],
    ['live.timeoutSeconds[0]', ({ live }) => Object.assign(live, { timeoutSeconds: ['3'] })],
    ['policies[0]', (snapshot) => Object.assign(snapshot, { policies: ['x'] })],
    ['more', (snapshot) => Object.assign(snapshot, { more: 1 })],
    ['code', (snapshot) => Object.assign(snapshot, { code: undefined })],
  ])('with a wrong %s is refused by the field’s name', async (name, act) => {
    await change('node', act)
    await refuse(new RegExp(`'snapshot\\.${name.replace(/[[\].]/g, '\\$&')}' `))
  })

  it('shows no variable’s value in its error', async () => {
    const wrong = { OWN: ['secret-word'] as never }
    await change('node', ({ original }) => Object.assign(original, { environment: wrong }))
    const error = await attempts()[0]!().catch((thrown: unknown) => thrown)
    expect(String(error)).not.toContain('secret-word')
  })
})

describe('a function’s variable', () => {
  it('names no file outside of its own folder', async () => {
    await goLive({ ...options, functions: ['node'] })
    const snapshot = await kept('node')
    const id = '../../../../outside'
    await options.snapshots.put('outside.json', Buffer.from(JSON.stringify({ ...snapshot, id })))
    const read: string[] = []
    const { get } = options.snapshots
    const snapshots = {
      ...options.snapshots,
      get: (name: string) => {
        read.push(name)
        return get(name)
      },
    }
    const { configuration } = await account.state('node')
    const Variables = { ...configuration.Environment?.Variables, LAMBDA_TETHER_SNAPSHOT: id }
    await withVariables('node', Variables)
    account.changes.length = 0
    await expect(restore({ ...keyless, functions: ['node'], snapshots })).rejects.toMatchObject({
      code: 'DEPLOY_FAILED',
      details: { reason: 'elsewhere' },
    })
    await expect(goLive({ ...options, functions: ['node'], snapshots })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
    })
    expect(read.filter((name) => name.includes('outside'))).toEqual([])
    expect(account.changes).toEqual([])
  })
})
