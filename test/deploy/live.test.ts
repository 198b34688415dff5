import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { DeleteFunctionCommand, UpdateFunctionConfigurationCommand } from '@aws-sdk/client-lambda'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { goLive, plan, restore, restoreAll } from '../../src/deploy/index.js'
import { downloadCode, findFunction } from '../../src/deploy/live/function.js'
import { codeHash } from '../../src/deploy/snapshot/snapshot.js'
import { APP, type LiveAccount, liveAccount, PYTHON } from './live-fixture.js'

let account: LiveAccount
beforeEach(async () => {
  account = await liveAccount()
})
afterEach(() => account[Symbol.asyncDispose]())

const python = { Code: { ZipFile: PYTHON }, Runtime: 'python3.12', Handler: 'app.handler' } as const

async function variables(name: string): Promise<Record<string, string>> {
  return (await account.state(name)).configuration.Environment?.Variables ?? {}
}

describe('goLive', () => {
  it('wraps a Node function: adds a layer and variables, and keeps its code', async () => {
    await account.create('one', { Environment: { Variables: { OWN: 'value' } } })
    const before = await account.state('one')
    const report = await goLive(account.options({ functions: ['one'] }))
    const { configuration, tags } = await account.state('one')
    expect(configuration.CodeSha256).toBe(before.configuration.CodeSha256)
    expect(configuration).toMatchObject({ Handler: 'index.handler', Runtime: 'nodejs22.x', Timeout: 3 })
    expect(configuration.Layers).toHaveLength(1)
    const { OWN, AWS_LAMBDA_EXEC_WRAPPER, ...ours } = await variables('one')
    expect({ OWN, AWS_LAMBDA_EXEC_WRAPPER }).toEqual({
      OWN: 'value',
      AWS_LAMBDA_EXEC_WRAPPER: '/opt/lambda-tether/wrap',
    })
    expect(Object.keys(ours).every((name) => name.startsWith('LAMBDA_TETHER_'))).toBe(true)
    expect(tags['lambda-tether:snapshot']).toContain(ours.LAMBDA_TETHER_SNAPSHOT)
    expect(await account.policy('one')).toEqual(report.policies[0]?.document)
  })

  it('replaces a function in another language and drops the variables meant for its code', async () => {
    await account.create('one', {
      ...python,
      Environment: { Variables: { OWN: 'value', NODE_OPTIONS: '-r x', AWS_LAMBDA_EXEC_WRAPPER: '/opt/x' } },
    })
    await goLive(account.options({ functions: ['one'] }))
    const { configuration } = await account.state('one')
    expect(configuration).toMatchObject({ Handler: 'index.handler', Runtime: 'nodejs24.x' })
    expect(Object.keys(await variables('one')).filter((name) => !name.startsWith('LAMBDA_TETHER_'))).toEqual([
      'OWN',
    ])
  })

  it('replaces a Node function on demand and keeps its runtime', async () => {
    await account.create('one', { Runtime: 'nodejs24.x', Handler: 'index.handler' })
    await goLive(account.options({ functions: [{ name: 'one', mode: 'replace', functionId: 'api' }] }))
    expect((await account.state('one')).configuration).toMatchObject({ Runtime: 'nodejs24.x' })
    expect(await variables('one')).toMatchObject({ LAMBDA_TETHER_FUNCTION: 'api' })
  })

  it('chains an existing wrapper and restores it', async () => {
    await account.create('one', { Environment: { Variables: { AWS_LAMBDA_EXEC_WRAPPER: '/opt/own/wrap' } } })
    const options = account.options({ functions: ['one'] })
    await goLive(options)
    // A second time the wrapper that is there is ours.
    await goLive({ ...options, stub: { ...options.stub, session: 'other' } })
    expect(await variables('one')).toMatchObject({
      AWS_LAMBDA_EXEC_WRAPPER: '/opt/lambda-tether/wrap',
      LAMBDA_TETHER_EXEC_WRAPPER: '/opt/own/wrap',
    })
    await restore(options)
    expect(await variables('one')).toEqual({ AWS_LAMBDA_EXEC_WRAPPER: '/opt/own/wrap' })
  })

  it('changes nothing the second time', async () => {
    await account.create('one')
    await account.create('two', python)
    const options = account.options({ functions: ['one', 'two'], timeoutSeconds: 30 })
    await goLive(options)
    const before = [await account.state('one'), await account.state('two')]
    account.changes.length = 0
    const { functions } = await goLive(options)
    expect(functions.map(({ outcome }) => outcome)).toEqual(['unchanged', 'unchanged'])
    expect(account.changes).toEqual([])
    expect([await account.state('one'), await account.state('two')]).toEqual(before)
  })

  it('changes the settings of a live function in one update, and restores them', async () => {
    await account.create('one', { Timeout: 5 })
    const before = await account.state('one')
    const options = account.options({ functions: ['one'], timeoutSeconds: 30 })
    await goLive(options)
    account.changes.length = 0
    await goLive({ ...options, mirror: true, mirrorMaxBytes: 5_000, timeoutSeconds: 60 })
    expect(account.changes).toEqual(['UpdateFunctionConfiguration'])
    expect(await variables('one')).toMatchObject({
      LAMBDA_TETHER_MODE: 'mirror',
      LAMBDA_TETHER_MIRROR_MAX_BYTES: '5000',
    })
    expect((await account.state('one')).configuration.Timeout).toBe(60)
    await restore(options)
    expect(await account.state('one')).toStrictEqual(before)
  })

  it('leaves no connection open, like plan(), restore() and restoreAll()', async () => {
    await account.create('node')
    const options = account.options({ functions: ['node'] })
    const sockets: Socket[] = []
    const opened = (message: unknown) => void sockets.push((message as { socket: Socket }).socket)
    subscribe('net.client.socket', opened)
    await plan(options)
    await goLive(options)
    await expect(goLive({ ...options, functions: ['none'] })).rejects.toThrow('there is no function')
    await restore(options)
    await restoreAll({ ...options, ...APP })
    unsubscribe('net.client.socket', opened)
    expect(sockets.length).toBeGreaterThan(4)
    await expect.poll(() => sockets.filter(({ destroyed }) => !destroyed)).toEqual([])
  })

  it('removes the policies of every session that it was live for', async () => {
    await account.create('one')
    const options = account.options({ functions: ['one'] })
    await goLive(options)
    await goLive({ ...options, stub: { ...options.stub, session: 'other' } })
    expect(await account.policies('one')).toHaveLength(2)
    await restore(options)
    expect(await account.policies('one')).toEqual([])
  })

  it('refuses a function that is live for another application or stage', async () => {
    await account.create('one')
    const options = account.options({ functions: ['one'] })
    await goLive(options)
    const other = { ...options, stub: { ...options.stub, stage: 'prod' } }
    await expect(goLive(other)).rejects.toThrow(
      'it is live already for live app, stage dev. Restore it first.',
    )
  })

  it('verifies downloaded code, and keeps its URL out of errors', async () => {
    await account.create('one', python)
    const commands = await import('@aws-sdk/client-lambda')
    const iam = () => Promise.reject(new Error('not used'))
    const found = await findFunction({ lambda: account.lambda, commands, iam, region: '' }, 'one', undefined)
    if (found === undefined) throw new Error('not found')
    expect(codeHash(await downloadCode(found, undefined))).toBe(codeHash(PYTHON))
    const facts = { ...found.facts, codeSha256: 'another' }
    await expect(downloadCode({ ...found, facts }, undefined)).rejects.toMatchObject({
      code: 'DEPLOY_FAILED',
      message: expect.stringMatching(
        /^The code of one could not be downloaded: its \d+ bytes have the SHA-256 .+, not another\.$/,
      ),
    })
    for (const codeUrl of [`${found.codeUrl}x`, 'http://127.0.0.1:1/secret']) {
      const error = await downloadCode({ ...found, codeUrl }, undefined).catch((reason) => reason)
      expect(error).toMatchObject({ code: 'DEPLOY_FAILED' })
      expect(error.message).not.toContain('http')
    }
  })

  it('reverts settings that are no longer requested', async () => {
    await account.create('one', { Timeout: 5 })
    const options = account.options({ functions: ['one'] })
    await goLive({ ...options, mirror: true, timeoutSeconds: 30 })
    await goLive(options)
    expect((await account.state('one')).configuration.Timeout).toBe(5)
    expect(await variables('one')).not.toHaveProperty('LAMBDA_TETHER_MODE')
  })

  it('raises time-outs and never lowers them', async () => {
    await account.create('short', { Timeout: 3 })
    await account.create('long', { Timeout: 100 })
    await goLive(account.options({ functions: ['short', 'long'], timeoutSeconds: 60 }))
    expect((await account.state('short')).configuration.Timeout).toBe(60)
    expect((await account.state('long')).configuration.Timeout).toBe(100)
  })

  it('renews the live period of functions when half of it is over', async () => {
    await account.create('one')
    let now = Date.now()
    const clock = {
      now: () => now,
      schedule: (delayMs: number, callback: () => void) => {
        const timer = setTimeout(callback, delayMs)
        return () => clearTimeout(timer)
      },
    }
    const options = account.options({ functions: ['one'], liveForMs: 3_600_000, clock })
    const until = async () => Number((await variables('one')).LAMBDA_TETHER_LIVE_UNTIL)
    const [first] = (await goLive(options)).functions
    expect(first?.liveUntil).toBe(now + 3_600_000)
    expect(await until()).toBe(now + 3_600_000)
    now += 1_700_000
    expect((await goLive(options)).functions[0]?.outcome).toBe('unchanged')
    now += 200_000
    await goLive(options)
    expect(await until()).toBe(now + 3_600_000)
  })

  it('leaves IAM alone on demand and returns the policy', async () => {
    await account.create('one')
    account.onCall = ({ service }) => {
      if (service === 'iam') throw new Error('IAM was called')
    }
    const options = account.options({ functions: ['one'], policy: 'print' })
    const { policies } = await goLive(options)
    expect(policies).toEqual([
      expect.objectContaining({
        roleName: 'one-role',
        document: expect.objectContaining({ Version: '2012-10-17' }),
      }),
    ])
    await restore(options)
    account.onCall = () => undefined
    expect(await account.policy('one')).toBeUndefined()
  })

  it('needs no policy for a broker that does not know roles', async () => {
    await account.create('one')
    const { stub, ...options } = account.options({ functions: ['one'] })
    const { app, stage, key } = stub
    const { policies } = await goLive({
      ...options,
      bundle: 'mqtt',
      stub: { app, stage, key, url: account.cloud.mqttUrl },
    })
    expect(policies).toEqual([])
    expect(account.changes).not.toContain('PutRolePolicy')
  })

  it('reuses the published layer; recreates layer and policy if they are removed meanwhile', async () => {
    await account.create('one')
    await account.create('two')
    await account.create('three', { Role: 'arn:aws:iam::123456789012:role/two-role' })
    const options = account.options({ functions: ['one'] })
    await goLive(options)
    await goLive({ ...options, functions: ['two'] })
    expect(await account.layers('iot')).toBe(1)
    // Whoever restores now thinks that nobody needs it.
    await restore({ ...options, functions: ['one'] })
    expect(await account.layers('iot')).toBe(1)
    let restored: unknown
    account.onCall = async ({ operation, stage, resource }) => {
      if (operation !== 'TagResource' || stage === 'before' || !resource.endsWith(':three')) return
      account.onCall = () => undefined
      restored = await restore({ ...options, functions: ['two'] })
    }
    await goLive({ ...options, functions: ['three'] })
    expect(restored).toBeDefined()
    expect(await account.layers('iot')).toBe(1)
    expect((await account.state('three')).configuration.Layers).toHaveLength(1)
    expect(await account.policy('two')).toBeDefined()
  })

  it('is patient with a throttled account', async () => {
    await account.create('one')
    const throttled = new Set<string>()
    account.onCall = ({ stage, changes, operation }) => {
      if (stage === 'after' || !changes || throttled.has(operation)) return undefined
      throttled.add(operation)
      return { error: 'TooManyRequestsException' }
    }
    const { functions } = await goLive(account.options({ functions: ['one'] }))
    expect(functions[0]?.outcome).toBe('live')
    expect(throttled.size).toBeGreaterThan(3)
  })

  it('reports an update that takes too long, and restore() undoes it', async () => {
    await using slow = await liveAccount({ controlPlane: { updateMs: 800 } })
    await slow.create('one')
    const before = await slow.state('one')
    const options = slow.options({ functions: ['one'] })
    await expect(goLive({ ...options, updateTimeoutMs: 150 })).rejects.toMatchObject({
      code: 'DEPLOY_FAILED',
      message: expect.stringMatching(/not finished updating one after \d+ ms; 'updateTimeoutMs' is 150\./),
      details: { takenBack: false },
    })
    await restore(options)
    expect(await slow.state('one')).toEqual(before)
    expect(await options.snapshots.list('')).toEqual([])
  })
})

describe('restore', () => {
  it('keeps and reports changes that others made meanwhile', async () => {
    await account.create('one', { Timeout: 5, Environment: { Variables: { OLD: '1', GONE: '2' } } })
    await account.create('two', { ...python, Timeout: 5 })
    const options = account.options({ functions: ['one', 'two'], timeoutSeconds: 30 })
    await goLive(options)
    const change = async (name: string, more: Record<string, string>) => {
      const Variables: Record<string, string> = { ...(await variables(name)), ...more }
      delete Variables.GONE
      const Environment = { Variables }
      await account.lambda.send(
        new UpdateFunctionConfigurationCommand({
          FunctionName: name,
          Environment,
          Timeout: 77,
          MemorySize: 256,
        }),
      )
    }
    await change('one', { OLD: 'changed', MORE: 'new' })
    await change('two', { MORE: 'new' })
    const { functions } = await restore(options)
    expect(functions.map(({ kept }) => kept)).toEqual([
      ['timeoutSeconds', 'memoryMb', 'GONE', 'MORE', 'OLD'],
      ['timeoutSeconds', 'memoryMb', 'MORE'],
    ])
    expect(await variables('one')).toEqual({ OLD: 'changed', MORE: 'new' })
    expect((await account.state('one')).configuration).toMatchObject({ Timeout: 77, MemorySize: 256 })
    expect((await account.state('two')).configuration).toMatchObject({
      Timeout: 77,
      MemorySize: 256,
      Runtime: 'python3.12',
      Handler: 'app.handler',
    })
  })

  it('does nothing to a function that is not live', async () => {
    await account.create('one')
    const options = account.options({ functions: ['one'] })
    expect(await restore(options)).toEqual({
      functions: [{ functionName: 'one', outcome: 'unchanged', kept: [] }],
    })
    expect(account.changes.filter((name) => name !== 'CreateFunction')).toEqual([])
  })

  it('keeps policies and layers as long as another function needs them', async () => {
    const Role = 'arn:aws:iam::123456789012:role/one-role'
    await account.create('one')
    await account.create('two', { Role })
    const options = account.options({ functions: ['one', 'two'] })
    await goLive(options)
    expect(account.changes.filter((name) => name === 'PutRolePolicy')).toHaveLength(1)
    await restore({ ...options, functions: ['one'] })
    expect([await account.policy('one'), await account.layers('iot')]).toEqual([expect.anything(), 1])
    await restore({ ...options, functions: ['two'] })
    expect([await account.policy('one'), await account.layers('iot')]).toEqual([undefined, 0])
  })

  it('restores the others when one fails, then reports it', async () => {
    await account.create('one')
    await account.create('two')
    const options = account.options({ functions: ['one', 'two'] })
    const before = await account.state('two')
    await goLive(options)
    await account.lambda.send(new DeleteFunctionCommand({ FunctionName: 'one' }))
    await expect(restore(options)).rejects.toMatchObject({
      code: 'DEPLOY_FAILED',
      message: 'There is no function one in us-east-1.',
    })
    expect(await account.state('two')).toEqual(before)
  })
})
