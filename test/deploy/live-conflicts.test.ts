import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  DeleteLayerVersionCommand,
  PublishLayerVersionCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
  type UpdateFunctionConfigurationCommandInput,
} from '@aws-sdk/client-lambda'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { deferred } from '../../src/core/base/deferred.js'
import { fileSnapshots, goLive, type LiveOptions, restore, stubZip } from '../../src/deploy/index.js'
import { codeHash } from '../../src/deploy/snapshot/snapshot.js'
import { generateKey } from '../../src/index.js'
import { stubKey } from '../../src/stub/index.js'
import { APP, CJS, type FunctionState, type LiveAccount, liveAccount, PYTHON } from './live-fixture.js'

const FUNCTIONS = ['one', 'two']

let account: LiveAccount
let options: LiveOptions
let before: FunctionState[]
beforeEach(async () => {
  account = await liveAccount()
  await account.create('one', { Environment: { Variables: { OWN: 'value' } } })
  await account.create('two', { Code: { ZipFile: PYTHON }, Runtime: 'python3.12', Handler: 'app.handler' })
  options = account.options({ functions: FUNCTIONS })
  before = await states()
  account.changes.length = 0
})
afterEach(() => account[Symbol.asyncDispose]())

function states(): Promise<FunctionState[]> {
  return Promise.all(FUNCTIONS.map((name) => account.state(name)))
}

async function expectNothingLeft(): Promise<void> {
  account.onCall = () => undefined
  expect(await states()).toStrictEqual(before)
  expect(await options.snapshots.list('')).toEqual([])
  expect(await account.layers('iot')).toBe(0)
  expect([await account.policy('one'), await account.policy('two')]).toEqual([undefined, undefined])
}

/** Does something once, before or when an operation on a function is carried out. */
function once(stage: 'before' | 'after', operation: string, name: string, act: () => Promise<unknown>): void {
  account.onCall = async (call) => {
    if (call.stage !== stage || call.operation !== operation || !call.resource.endsWith(name)) return
    account.onCall = () => undefined
    await act()
  }
}

/** Somebody else's update, when it is over. */
async function update(name: string, change: Partial<UpdateFunctionConfigurationCommandInput>): Promise<void> {
  await settled(name)
  await account.lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName: name, ...change }))
  await settled(name)
}

async function deploy(name: string, ZipFile: Uint8Array): Promise<string | undefined> {
  await settled(name)
  await account.lambda.send(new UpdateFunctionCodeCommand({ FunctionName: name, ZipFile }))
  await settled(name)
  return (await account.state(name)).configuration.CodeSha256
}

function settled(name: string): Promise<unknown> {
  const status = async () => (await account.state(name)).configuration.LastUpdateStatus
  return expect.poll(status, { interval: 5 }).toBe('Successful')
}

describe('two at once', () => {
  it('with the same settings both have it live, under one snapshot', async () => {
    const stub = { ...options.stub }
    const reports = await Promise.all([
      goLive({ ...options, stub }),
      goLive({ ...options, stub }),
      goLive(options),
    ])
    expect(reports).toHaveLength(3)
    const { configuration, tags } = await account.state('one')
    const id = configuration.Environment?.Variables?.LAMBDA_TETHER_SNAPSHOT
    expect(tags['lambda-tether:snapshot']).toMatch(`${id} `)
    expect(await options.snapshots.list('')).toHaveLength(3)
    await restore(options)
    await expectNothingLeft()
  })

  it('with other settings one has it live, and the other gets an error', async () => {
    const others = { ...options, stub: { ...options.stub, key: generateKey() } }
    const results = await Promise.allSettled([
      goLive({ ...options, functions: ['one'] }),
      goLive({ ...others, functions: ['one'] }),
    ])
    const keys = [options.stub.key, others.stub.key].filter((_, at) => results[at]?.status === 'fulfilled')
    expect(keys).toHaveLength(1)
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'DEPLOY_FAILED', message: expect.stringContaining('one did not go live: somebody') },
    })
    expect((await account.state('one')).configuration.Environment?.Variables).toMatchObject({
      LAMBDA_TETHER_KEY: stubKey({ ...APP, key: keys[0] as string, functionId: 'one' }),
    })
    expect((await options.snapshots.list('')).length).toBe(1)
    await restore({ ...options, key: others.stub.key })
    await expectNothingLeft()
  })

  it('with snapshots in other places one has it live, and both can be told apart', async () => {
    const elsewhere = fileSnapshots(join(account.folder, 'elsewhere'))
    const results = await Promise.allSettled([goLive(options), goLive({ ...options, snapshots: elsewhere })])
    expect(results.some(({ status }) => status === 'rejected')).toBe(true)
    const stores = [options.snapshots, elsewhere]
    for (const [at, { status }] of results.entries()) {
      if (status === 'rejected') expect(await stores[at]?.list('')).toEqual([])
    }
    for (const snapshots of stores) await restore({ ...options, snapshots }).catch(() => {})
    await expectNothingLeft()
  })

  // Another run gets a function while a failed one takes it back. `failed` counts the calls for it since the failure.
  function duringTakeBack(stage: 'before' | 'after', operation: string, act: () => Promise<unknown>): void {
    const fault = { error: 'InvalidParameterValueException', message: 'No' }
    account.onCall = async (call) => {
      if (call.stage !== 'before' || call.operation !== 'UpdateFunctionConfiguration') return
      if (!call.resource.endsWith('one')) return
      await expect.poll(async () => codeIsStub()).toBe(true)
      once(stage, operation, 'two', act)
      return fault
    }
  }

  async function codeIsStub(): Promise<boolean> {
    const { CodeSha256, LastUpdateStatus } = (await account.state('two')).configuration
    return CodeSha256 === codeHash(stubZip('iot')) && LastUpdateStatus === 'Successful'
  }

  it.each([
    ['from snapshots elsewhere, once it is back', 'after', 'UpdateFunctionConfiguration', 'elsewhere'],
    ['from snapshots elsewhere, before it is looked at', 'before', 'GetFunction', 'elsewhere'],
    ['from the same snapshots, once it is back', 'after', 'UpdateFunctionConfiguration', 'here'],
  ] as const)(
    'a failed run leaves a function alone that another has live %s',
    async (_, stage, operation, place) => {
      const snapshots = fileSnapshots(join(account.folder, place))
      const winner = { ...options, functions: ['two'], ...(place === 'elsewhere' && { snapshots }) }
      duringTakeBack(stage, operation, async () => {
        if (operation === 'GetFunction') await restore({ ...options, functions: ['two'] })
        await goLive(winner)
      })
      await expect(goLive(options)).rejects.toMatchObject({ message: expect.stringMatching(/: No$/) })
      const { configuration, tags } = await account.state('two')
      const id = configuration.Environment?.Variables?.LAMBDA_TETHER_SNAPSHOT
      expect(tags['lambda-tether:snapshot']).toMatch(`${id} ${winner.snapshots.location}`)
      const kept = (await winner.snapshots.list('')).filter((key) => key.includes(`${id}`))
      expect(kept).toHaveLength(2)
      if (place === 'elsewhere') expect(await options.snapshots.list('')).toEqual([])
      await restore(winner)
      await expectNothingLeft()
    },
  )

  it.each(FUNCTIONS)(
    'of which one goes back when %s is about to go live: its snapshot is there afterwards',
    async (name) => {
      once('after', 'TagResource', name, () => restore({ ...options, functions: [name] }))
      await goLive(options)
      expect((await options.snapshots.list('')).length).toBe(3)
      expect((await account.state(name)).tags).toHaveProperty('lambda-tether:snapshot')
      await restore(options)
      await expectNothingLeft()
    },
  )

  it('of which one goes live while the other clears up: its snapshot is there afterwards', async () => {
    const [looked, live] = [deferred(), deferred()]
    let restoring: Promise<unknown> | undefined
    account.onCall = async ({ stage, operation, resource }) => {
      if (stage === 'after' && operation === 'TagResource' && resource.endsWith('two')) {
        restoring = restore({ ...options, functions: ['two'] })
        await looked.promise
      } else if (stage === 'before' && operation === 'ListFunctions') {
        looked.resolve()
        await live.promise
      }
    }
    await goLive({ ...options, functions: ['two'] })
    live.resolve()
    await restoring
    account.onCall = () => undefined
    expect(await options.snapshots.list('')).toHaveLength(2)
    expect((await account.state('two')).tags).toHaveProperty('lambda-tether:snapshot')
    await restore(options)
    await expectNothingLeft()
  })

  it('one going live, one going back: either way the function is whole', async () => {
    for (let round = 0; round < 3; round += 1) {
      await Promise.allSettled([goLive(options), restore(options), goLive(options)])
      for (const name of FUNCTIONS) {
        const { configuration } = await account.state(name)
        const variables = configuration.Environment?.Variables ?? {}
        const isStub = name === 'two' && configuration.Runtime === 'nodejs24.x'
        expect('LAMBDA_TETHER_KEY' in variables).toBe('LAMBDA_TETHER_SNAPSHOT' in variables)
        if (name === 'two') expect(isStub).toBe('LAMBDA_TETHER_SNAPSHOT' in variables)
      }
      await restore(options)
      await expectNothingLeft()
    }
  })
})

describe("a third party's change", () => {
  it.each([
    ['after', 'TagResource'],
    ['before', 'UpdateFunctionConfiguration'],
  ] as const)(
    '%s %s is never overwritten: the function does not go live, and the others come back',
    async (stage, operation) => {
      once(stage, operation, 'one', () => update('one', { Timeout: 42 }))
      await expect(goLive(options)).rejects.toMatchObject({
        code: 'DEPLOY_FAILED',
        message: 'one did not go live: somebody changed it meanwhile (timeoutSeconds).',
      })
      expect((await account.state('one')).configuration.Timeout).toBe(42)
      await update('one', { Timeout: 3 })
      await expectNothingLeft()
    },
  )

  it.each([
    ['after', 'UpdateFunctionConfiguration'],
    ['before', 'UpdateFunctionCode'],
  ] as const)('of code %s %s is never overwritten', async (stage, operation) => {
    // Tagged, it is about to be changed.
    once('after', 'TagResource', 'two', async () => once(stage, operation, 'two', () => deploy('two', CJS)))
    await expect(goLive(options)).rejects.toMatchObject({
      code: 'DEPLOY_FAILED',
      message: 'two did not go live: somebody changed its code meanwhile.',
    })
    const { configuration } = await account.state('two')
    expect(configuration).toMatchObject({
      CodeSha256: codeHash(CJS),
      Runtime: 'python3.12',
      Handler: 'app.handler',
    })
    await deploy('two', PYTHON)
    await expectNothingLeft()
  })

  it('while we restore is never overwritten', async () => {
    await goLive(options)
    const theirs = async () => {
      const { Environment } = (await account.state('one')).configuration
      await update('one', { Environment: { Variables: { ...Environment?.Variables, OWN: 'changed' } } })
    }
    once('before', 'UpdateFunctionConfiguration', 'one', theirs)
    const { functions } = await restore({ ...options, functions: ['one'] })
    expect(functions).toEqual([{ functionName: 'one', outcome: 'restored', kept: ['OWN'] }])
    expect((await account.state('one')).configuration.Environment?.Variables).toEqual({ OWN: 'changed' })
    once('before', 'UpdateFunctionCode', 'two', () => deploy('two', CJS))
    await restore({ ...options, functions: ['two'] })
    expect((await account.state('two')).configuration).toMatchObject({
      CodeSha256: codeHash(CJS),
      Runtime: 'python3.12',
    })
  })

  it('to an unrelated setting is kept', async () => {
    once('after', 'TagResource', 'one', () => update('one', { Description: 'theirs' }))
    await goLive(options)
    await restore(options)
    expect((await account.state('one')).configuration.Description).toBe('theirs')
  })

  it('to code that was replaced stays, and gets its configuration back', async () => {
    await goLive(options)
    const CodeSha256 = await deploy('two', CJS)
    await expect(goLive(options)).rejects.toThrow(
      'somebody changed its code while it was live. Restore it first',
    )
    const { functions } = await restore(options)
    expect(functions[1]).toEqual({
      functionName: 'two',
      outcome: 'restored',
      kept: ['codeSha256', 'codeBytes'],
    })
    expect((await account.state('two')).configuration).toMatchObject({ CodeSha256, Runtime: 'python3.12' })
  })

  it('that removes the variables leaves nothing that restore() cannot find', async () => {
    await goLive({ ...options, timeoutSeconds: 60 })
    await update('one', { Environment: { Variables: { OWN: 'value' } } })
    await update('two', { Environment: { Variables: {} } })
    await expect
      .poll(async () => (await account.state('two')).configuration.LastUpdateStatus)
      .toBe('Successful')
    await expect(goLive(options)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('part of the stub is left. Restore it first.'),
    })
    await restore(options)
    await expectNothingLeft()
  })
})

describe('a function that cannot go live', () => {
  it('keeps everything else from being changed', async () => {
    await expect(goLive({ ...options, functions: ['one', 'none', 'two'] })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message:
        'Nothing was changed, as one function cannot go live.\nnone: there is no function of this name in us-east-1.',
      details: { refusals: { none: ['there is no function of this name in us-east-1.'] } },
    })
    expect(account.changes).toEqual([])
    await expectNothingLeft()
  })

  it('is left out on demand', async () => {
    const { functions } = await goLive({ ...options, functions: ['one', 'none', 'two'], onRefused: 'skip' })
    expect(functions.map(({ functionName, outcome }) => [functionName, outcome])).toEqual([
      ['one', 'live'],
      ['none', 'refused'],
      ['two', 'live'],
    ])
  })

  const fault = {
    error: 'InvalidParameterValueException',
    message: 'Queue visibility timeout: 30 seconds is less',
  }

  it.each([
    ['replace', 'Trying whether Lambda takes back the runtime and the layers of function one failed'],
    ['wrap', 'Updating function one failed'],
  ] as const)('because a layer of its own was deleted, stays as it is (%s)', async (mode, what) => {
    const Content = { ZipFile: CJS }
    const { LayerVersionArn = '' } = await account.lambda.send(
      new PublishLayerVersionCommand({ LayerName: 'own', Content }),
    )
    await update('one', { Layers: [LayerVersionArn] })
    await account.lambda.send(new DeleteLayerVersionCommand({ LayerName: 'own', VersionNumber: 1 }))
    before = await states()
    await expect(goLive({ ...options, functions: ['one'], mode })).rejects.toMatchObject({
      code: 'DEPLOY_FAILED',
      message: `${what}: InvalidParameterValueException: Layer version ${LayerVersionArn} does not exist.`,
    })
    await expectNothingLeft()
  })

  it('because its runtime is blocked, stays as it is', async () => {
    const bundle = join(account.folder, 'old')
    await mkdir(bundle)
    await writeFile(join(bundle, 'app.py'), 'def handler(event, context):\n    return event\n')
    account.cloud.function({ name: 'old', runtime: 'python3.7', handler: 'app.handler', bundle })
    const old = await account.state('old')
    await expect(goLive({ ...options, functions: ['one', 'old'] })).rejects.toMatchObject({
      code: 'DEPLOY_FAILED',
      message: expect.stringMatching(
        /^Trying whether Lambda takes back .* function old failed: .*python3\.7 is no longer/,
      ),
    })
    expect(await account.state('old')).toStrictEqual(old)
    await expectNothingLeft()
  })

  it('and fails late, takes the others back', async () => {
    account.onCall = ({ operation, stage }) =>
      operation === 'UpdateFunctionCode' && stage === 'before' ? fault : undefined
    await expect(goLive(options)).rejects.toMatchObject({
      code: 'DEPLOY_FAILED',
      message: `Updating function two failed: InvalidParameterValueException: ${fault.message}`,
      details: { awsError: 'InvalidParameterValueException' },
    })
    expect(account.changes).toContain('UpdateFunctionConfiguration')
    await expectNothingLeft()
  })

  it('and fails late, leaves functions that were already live as they are', async () => {
    await goLive({ ...options, functions: ['one'] })
    const live = await account.state('one')
    account.onCall = ({ operation, stage }) =>
      operation === 'UpdateFunctionCode' && stage === 'before' ? fault : undefined
    await expect(goLive(options)).rejects.toMatchObject({ code: 'DEPLOY_FAILED' })
    account.onCall = () => undefined
    expect(await states()).toStrictEqual([live, before[1]])
    await restore(options)
    await expectNothingLeft()
  })

  it('and fails late, is taken back alone on demand', async () => {
    account.onCall = ({ operation, stage }) =>
      operation === 'UpdateFunctionCode' && stage === 'before' ? fault : undefined
    const { functions } = await goLive({ ...options, onRefused: 'skip' })
    expect(functions.map(({ outcome }) => outcome)).toEqual(['live', 'failed'])
    expect(functions[1]?.reasons).toEqual([expect.stringContaining(fault.message)])
    account.onCall = () => undefined
    expect(await account.state('two')).toStrictEqual(before[1])
    await restore(options)
    await expectNothingLeft()
  })

  it('is aborted by the signal, and taken back', async () => {
    const controller = new AbortController()
    once('after', 'UpdateFunctionConfiguration', 'two', async () => controller.abort(new Error('enough')))
    await expect(goLive({ ...options, signal: controller.signal })).rejects.toMatchObject({ code: 'ABORTED' })
    await expectNothingLeft()
  })

  it('because its snapshot cannot be stored, is not touched', async () => {
    const snapshots = { ...options.snapshots, put: () => Promise.reject(new Error('disk full')) }
    await expect(goLive({ ...options, snapshots })).rejects.toThrow('disk full')
    expect(account.changes).toEqual([])
    await expectNothingLeft()
  })

  it('because its code came damaged, is not touched', async () => {
    const put = options.snapshots.put
    const snapshots = {
      ...options.snapshots,
      put: (key: string, bytes: Uint8Array) => put(key, bytes.slice(1)),
    }
    await expect(goLive({ ...options, snapshots })).rejects.toMatchObject({ code: 'STORE_FAILED' })
    expect(account.changes).toEqual([])
  })

  it('because a stub is its code already, is not touched', async () => {
    await account.create('three', { Code: { ZipFile: stubZip('iot') } })
    await account.create('four', { Environment: { Variables: { LAMBDA_TETHER_KEY: generateKey() } } })
    const refused = await goLive({ ...options, functions: ['three', 'four'] }).catch((error) => error)
    expect(refused.details.refusals).toEqual({
      three: [expect.stringContaining('its code is a stub')],
      four: [expect.stringContaining('its stub was deployed in another way')],
    })
  })

  it('because it is live from elsewhere, is not touched, and the error names the place', async () => {
    await goLive(options)
    const elsewhere = fileSnapshots(join(account.folder, 'elsewhere'))
    const text = new RegExp(
      `its tag says: [0-9a-f]{16} .*${account.folder.replaceAll(/[^\w/]/g, '.')}/snapshots`,
    )
    await expect(goLive({ ...options, snapshots: elsewhere })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(text),
    })
    await expect(restore({ ...options, functions: ['one'], snapshots: elsewhere })).rejects.toMatchObject({
      code: 'DEPLOY_FAILED',
      message: expect.stringMatching(text),
      details: { reason: 'elsewhere' },
    })
    await expect(goLive({ ...options, mode: 'replace' })).rejects.toThrow("by 'wrap', not 'replace'")
  })
})
