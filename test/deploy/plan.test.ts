import {
  CreateAliasCommand,
  type CreateFunctionCommandInput,
  type GetFunctionCommandOutput,
  PublishVersionCommand,
  PutFunctionConcurrencyCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { goLive, type LiveOptions, plan, restore } from '../../src/deploy/index.js'
import { type FunctionDetails, findFunction } from '../../src/deploy/live/function.js'
import { refusals, warnings } from '../../src/deploy/live/plan-checks.js'
import { liveConfiguration } from '../../src/deploy/live/target.js'
import { generateKey } from '../../src/index.js'
import { ManualClock } from '../support/manual-clock.js'
import { APP, type LiveAccount, liveAccount, PYTHON } from './live-fixture.js'

let account: LiveAccount
beforeAll(async () => {
  account = await liveAccount({ controlPlane: { updateMs: 5 } })
})
afterAll(() => account[Symbol.asyncDispose]())

const STUB = { ...APP, key: generateKey() }
const python: Partial<CreateFunctionCommandInput> = {
  Code: { ZipFile: PYTHON },
  Runtime: 'python3.12',
  Handler: 'app.handler',
}

function one(name: string, more: Partial<LiveOptions> = {}): LiveOptions {
  return account.options({ functions: [name], ...more })
}

async function refused(name: string, more: Partial<LiveOptions> = {}): Promise<readonly string[]> {
  const { functions } = await plan(one(name, more))
  expect(functions[0]?.action).toBe(functions[0]?.refusals.length === 0 ? 'go-live' : 'refuse')
  return functions[0]?.refusals ?? []
}

describe('a function is refused that', () => {
  it('is not Node.js and shall be wrapped', async () => {
    await account.create('python', python)
    expect(await refused('python')).toEqual([])
    expect(await refused('python', { mode: 'wrap' })).toEqual([
      "its runtime is 'python3.12', and only Node.js functions can be wrapped. Set 'mode' to 'replace'.",
    ])
    await account.create('old', { Runtime: 'nodejs18.x' })
    expect(await refused('old')).toEqual([expect.stringContaining('needs Node.js 20 or newer')])
  })

  it('would exceed 4 KB of variables', async () => {
    await account.create('large', { Environment: { Variables: { FILLER: 'x'.repeat(3_800) } } })
    expect(await refused('large')).toEqual([
      expect.stringMatching(/^its variables would have 4\d\d\d bytes, and Lambda allows 4096\./),
    ])
  })

  it('has five layers and shall be wrapped', async () => {
    const Layers = [1, 2, 3, 4, 5].map((n) => `arn:aws:lambda:us-east-1:123456789012:layer:own${n}:1`)
    const given = { Layers: Layers.map((Arn) => ({ Arn })) }
    expect(checked(given)).toEqual([expect.stringContaining('it would have 6 layers, and Lambda allows 5')])
    expect(checked(given, { mode: 'replace' })).toEqual([])
    expect(checked({ Layers: given.Layers.slice(1) })).toEqual([])
  })

  it('uses SnapStart', async () => {
    await account.create('snap', { SnapStart: { ApplyOn: 'PublishedVersions' } })
    expect(await refused('snap')).toEqual([expect.stringContaining('SnapStart is on')])
  })

  it('is in a VPC, unless that is allowed', async () => {
    await account.create('vpc', { VpcConfig: { SubnetIds: ['subnet-1'], SecurityGroupIds: ['sg-1'] } })
    expect(await refused('vpc')).toEqual([
      expect.stringMatching(/^it is in vpc-\w+\. It needs a way out to the broker/),
    ])
    expect(await refused('vpc', { vpc: 'allow' })).toEqual([])
    const { functions } = await plan(one('vpc', { vpc: 'allow' }))
    expect(functions[0]?.warnings).toEqual([expect.stringContaining('It is in a VPC')])
  })

  it('has variables under a KMS key that the caller may not use', async () => {
    const KMSKeyArn = 'arn:aws:kms:us-east-1:123456789012:key/theirs'
    await using denied = await liveAccount({ controlPlane: { updateMs: 5, deniedKeys: [KMSKeyArn] } })
    const create = { KMSKeyArn, Environment: { Variables: { OWN: 'value' } } }
    await denied.create('secret', create)
    await denied.create('open', { ...create, KMSKeyArn: `${KMSKeyArn}-of-others` })
    const { functions } = await plan(denied.options({ functions: ['secret', 'open'] }))
    expect(functions.map(({ refusals }) => refusals)).toEqual([
      [
        expect.stringMatching(
          /^its variables cannot be read: .*KMS access was denied.* They would be lost: allow yourself kms:Decrypt and kms:Encrypt on arn:aws:kms:us-east-1:123456789012:key\/theirs\.$/,
        ),
      ],
      [],
    ])
    await expect(goLive(denied.options({ functions: ['secret'] }))).rejects.toMatchObject({
      code: 'UNSUPPORTED',
    })
    expect(denied.changes).not.toContain('UpdateFunctionConfiguration')
  })

  it('is an image', async () => {
    const Code = { ImageUri: '123456789012.dkr.ecr.us-east-1.amazonaws.com/image:latest' }
    await account.create('image', { PackageType: 'Image', Code, Runtime: undefined, Handler: undefined })
    expect(await refused('image')).toEqual(
      expect.arrayContaining([expect.stringContaining('container image')]),
    )
  })

  it('is being updated', async () => {
    await account.create('busy')
    await using slow = await liveAccount({ controlPlane: { updateMs: 3_000 } })
    await slow.create('busy')
    await slow.lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'busy', Timeout: 9 }))
    const { functions } = await plan(slow.options({ functions: ['busy'] }))
    expect(functions[0]?.refusals).toEqual(['an update of it is under way. Wait until that is finished.'])
  })

  it.each<[string, GetFunctionCommandOutput['Configuration'], string]>([
    ['is signed', { SigningJobArn: 'arn:aws:signer:job' }, 'its code is signed'],
    ['is signed by a profile', { SigningProfileVersionArn: 'arn:aws:signer:profile' }, 'its code is signed'],
    ['runs on Managed Instances', { CapacityProviderConfig: {} as never }, 'published versions only'],
    [
      'has variables that cannot be read',
      { Environment: { Error: { ErrorCode: 'AccessDenied', Message: 'no key' } } },
      'its variables cannot be read: no key. They would be lost',
    ],
    ['has failed', { State: 'Failed', StateReason: 'no subnet' }, 'its state is Failed: no subnet.'],
    [
      'failed at its last update',
      { LastUpdateStatus: 'Failed', LastUpdateStatusReason: 'bad image' },
      'its last update failed: bad image. Repair it first.',
    ],
    ['hides its hash', { CodeSha256: undefined }, 'does not tell the hash'],
  ])('%s', (_what, given, reason) => {
    expect(checked(given ?? {})).toEqual([expect.stringContaining(reason)])
  })

  it('has more code than Lambda takes back, or keeps it in a bucket, and shall be replaced', () => {
    const big = { CodeSize: 52_428_801 }
    expect(checked(big, { mode: 'replace' })).toEqual([
      expect.stringContaining('its code has 52428801 bytes, and Lambda takes back at most 52428800 directly'),
    ])
    expect(checked(big)).toEqual([])
    expect(checked({}, { mode: 'replace', found: { codeReferenced: true } })).toEqual([
      expect.stringContaining('its code is referenced in a bucket'),
    ])
    expect(checked({}, { mode: 'replace', mirror: true })).toEqual([
      expect.stringContaining('nothing to mirror'),
    ])
  })

  it('has no such refusal for its last update if it is live already', () => {
    expect(checked({ LastUpdateStatus: 'InProgress' }, { ours: true })).toEqual([])
    expect(checked({ LastUpdateStatus: 'Failed' }, { ours: true })).toEqual([])
  })
})

describe('plan', () => {
  it('lists the changes, and makes none', async () => {
    await account.create('node', { Timeout: 5, Environment: { Variables: { OWN: 'secret value' } } })
    await account.lambda.send(
      new PutFunctionConcurrencyCommand({ FunctionName: 'node', ReservedConcurrentExecutions: 0 }),
    )
    account.changes.length = 0
    const options = account.options({ functions: ['node', 'python', 'none'], timeoutSeconds: 60 })
    const found = await plan(options)
    expect(account.changes).toEqual([])
    expect(found.functions.map(({ functionName, mode, action }) => [functionName, mode, action])).toEqual([
      ['node', 'wrap', 'go-live'],
      ['python', 'replace', 'go-live'],
      ['none', 'wrap', 'refuse'],
    ])
    expect(found.functions[0]?.changes.map(({ what }) => what)).toEqual([
      'timeoutSeconds',
      'layers',
      'environment',
    ])
    expect(found.functions[1]?.changes.map(({ what }) => what)).toEqual([
      'code',
      'runtime',
      'handler',
      'timeoutSeconds',
      'environment',
    ])
    expect(found.policies.map(({ roleName }) => roleName)).toEqual(['node-role', 'python-role'])
    expect(found.layer).toMatchObject({ present: false })
    const text = String(found)
    expect(text).toContain('node goes live (wrap)\n  timeoutSeconds: 5 → 60\n')
    expect(text).toContain('  runtime: python3.12 → nodejs24.x\n  handler: app.handler → index.handler\n')
    expect(text).toContain('none cannot go live\n  refused: there is no function of this name in us-east-1.')
    expect(text).toContain('  note: Its reserved concurrency is 0')
    expect(text).toContain('Role node-role needs inline policy lambda-tether-live-app-dev-')
    expect(text).toMatch(/environment: without none → with .*LAMBDA_TETHER_KEY/)
    expect(text).not.toContain(options.stub.key)
    expect(text).not.toContain('lts2_')
    expect(text).not.toContain('secret value')
  })

  it('warns that a replaced function streams like its URL, or that the URL could not be read', async () => {
    const fn = account.cloud.function({ name: 'streaming', bundle: account.folder })
    await account.cloud.functionUrl(fn, { invokeMode: 'RESPONSE_STREAM' })
    const planned = async (spec: object, mode: 'wrap' | 'replace' = 'replace') => {
      const { functions } = await plan(account.options({ functions: [{ name: 'streaming', ...spec }], mode }))
      const [only] = functions
      const told = only?.warnings.filter((text) => /stream/i.test(text)) ?? []
      return { told, set: only?.changes.some(({ to }) => to.includes('LAMBDA_TETHER_STREAMING')) }
    }
    expect(await planned({})).toEqual({
      told: [expect.stringContaining('It streams its responses')],
      set: true,
    })
    expect(await planned({ streaming: false })).toEqual({ told: [], set: false })
    // Where it is wrapped, its own handler tells.
    expect(await planned({}, 'wrap')).toEqual({ told: [], set: false })
    account.onCall = ({ operation }) =>
      operation === 'ListFunctionUrlConfigs' ? { error: 'AccessDeniedException' } : undefined
    expect(await planned({})).toEqual({
      told: [expect.stringContaining('lambda:ListFunctionUrlConfigs')],
      set: false,
    })
    expect((await planned({ streaming: true })).set).toBe(true)
    account.onCall = () => undefined
  })

  it('warns of aliases of published versions', async () => {
    await account.create('aliased')
    const FunctionName = 'aliased'
    await account.lambda.send(new PublishVersionCommand({ FunctionName }))
    await account.lambda.send(new CreateAliasCommand({ FunctionName, Name: 'prod', FunctionVersion: '1' }))
    await account.lambda.send(
      new CreateAliasCommand({ FunctionName, Name: 'dev', FunctionVersion: '$LATEST' }),
    )
    expect((await plan(one('aliased'))).functions[0]?.warnings).toEqual([
      'Only $LATEST goes live. What invokes alias prod runs the code in the cloud.',
    ])
  })

  it('warns of invocations that OpenTelemetry does not trace', async () => {
    const wrapper = { AWS_LAMBDA_EXEC_WRAPPER: '/opt/otel-handler' }
    await account.create('traced', { Environment: { Variables: wrapper } })
    const warned = async (options: Partial<LiveOptions>) =>
      (await plan(one('traced', options))).functions[0]?.warnings.filter((text) =>
        text.includes('OpenTelemetry'),
      )
    expect(await warned({})).toEqual([
      'Its OpenTelemetry (AWS_LAMBDA_EXEC_WRAPPER) traces invocations that its own code answers, and none that a session answers.',
    ])
    expect(await warned({ mirror: true })).toEqual([])
    expect(await warned({ mode: 'replace' })).toEqual([
      'Its OpenTelemetry (AWS_LAMBDA_EXEC_WRAPPER) traces nothing while its code is replaced.',
    ])
  })

  it('after goLive() has nothing left to do', async () => {
    const options = account.options({ functions: ['node', 'python'] })
    await goLive(options)
    const { functions, layer } = await plan(options)
    expect(functions.map(({ action, changes }) => [action, changes])).toEqual([
      ['none', []],
      ['none', []],
    ])
    expect(layer).toMatchObject({ present: true })
    const mirrored = await plan({ ...options, functions: ['node'], mirror: true })
    expect(mirrored.functions[0]).toMatchObject({ action: 'update', changes: [{ what: 'environment' }] })
    expect(mirrored.functions[0]?.warnings).toEqual(
      expect.arrayContaining([expect.stringContaining('so do its side effects')]),
    )
    await restore(options)
  })

  it('warns if updates of the runtime end within half a year', async () => {
    await account.create('aging', { Runtime: 'nodejs20.x' })
    const warned = async (now: string) => {
      const clock = new ManualClock(Date.parse(now))
      const { functions } = await plan(one('aging', { clock, mode: 'wrap' }))
      return functions[0]?.warnings.filter((text) => text.includes('takes no update'))
    }
    expect(await warned('2026-08-01')).toEqual([])
    for (const day of ['2026-10-01', '2027-05-01']) {
      expect(await warned(day)).toEqual([
        'Lambda takes no update of a function with nodejs20.x from 2027-03-03 on: then it cannot go live, nor come back. Move it to a newer runtime.',
      ])
    }
  })

  it('warns of lost number precision for a replaced function that is not Node’s', async () => {
    const said = async (name: string, mode: 'wrap' | 'replace') =>
      (await plan(one(name, { mode }))).functions[0]?.warnings.filter((text) => text.includes('2^53'))
    expect(await said('python', 'replace')).toHaveLength(1)
    expect([await said('node', 'replace'), await said('node', 'wrap')]).toEqual([[], []])
  })

  it('uses the partition of the region', async () => {
    await using sovereign = await liveAccount({ region: 'eusc-de-east-1', controlPlane: { updateMs: 5 } })
    await sovereign.create('one', { Role: 'arn:aws-eusc:iam::123456789012:role/one-role' })
    const { policies } = await goLive(sovereign.options({ functions: ['one'] }))
    const { configuration } = await sovereign.state('one')
    const arns = [configuration.FunctionArn, ...(configuration.Layers ?? []).map(({ Arn }) => Arn)]
    expect(arns).toEqual(arns.map(() => expect.stringMatching(/^arn:aws-eusc:lambda:eusc-de-east-1:/)))
    expect(JSON.stringify(policies)).toContain('arn:aws-eusc:iot:eusc-de-east-1:123456789012:')
    expect(JSON.stringify(policies)).not.toContain('arn:aws:')
    expect(await sovereign.invoke('one')).toMatchObject({ cloud: 'esm' })
  })

  it('derives the policy for API Gateway from the endpoint', async () => {
    const stub = { ...APP, key: account.options({ functions: ['node'] }).stub.key }
    const of = (endpoint: string) => plan(one('node', { bundle: 'api-gateway', stub: { ...stub, endpoint } }))
    const { policies } = await of('wss://abcdefghij.execute-api.eu-west-1.amazonaws.com/tether')
    expect(policies[0]?.document.Statement[0]?.Resource).toBe(
      'arn:aws:execute-api:eu-west-1:123456789012:abcdefghij/tether/$connect',
    )
    const unknown = await of('wss://socket.example.com/tether')
    expect(unknown.policies).toEqual([])
    expect(unknown.functions[0]?.warnings).toEqual(
      expect.arrayContaining([expect.stringContaining('does not tell which API it is')]),
    )
  })

  it.each<[Readonly<Record<string, unknown>>, string]>([
    [{ functions: [] }, "'functions' must name at least one function."],
    [{ functions: 'node' }, "'functions' must be a list of functions' names, not 'node'."],
    [{ functions: [5] }, "'functions[0]' must be a function's name"],
    [{ functions: ['a:live'] }, 'without a version or an alias'],
    [{ functions: [null] }, 'without a version or an alias'],
    [
      { functions: [{ name: 'node', functionID: 'api' }] },
      "'functions[0].functionID' is no option of 'functions[0]'; those are name, functionId, mode, streaming.",
    ],
    [
      { functions: ['node', 'arn:aws:lambda:us-east-1:123456789012:function:node'] },
      "'functions' has 'node' twice.",
    ],
    [
      { functions: [{ name: 'node', functionId: '*' }] },
      "'functions[0].functionId' must be the function's own",
    ],
    [{ timeoutMs: 60_000 }, "'timeoutMs' is no option of plan(); those are functions, bundle, stub,"],
    [{ mode: 'mirror' }, "'mode' must be one of wrap, replace"],
    [{ timeoutSeconds: 901 }, "'timeoutSeconds' must be a whole number from 1 to 900, not 901."],
    [{ timeoutSeconds: '60' }, "'timeoutSeconds' must be a whole number from 1 to 900, not '60'."],
    [{ policy: 'none' }, "'policy' must be one of manage, print"],
    [{ vpc: true }, "'vpc' must be one of refuse, allow"],
    [{ onRefused: 'ignore' }, "'onRefused' must be one of fail, skip"],
    [{ snapshots: './folder' }, "'snapshots' must be a place for snapshots"],
    [{ bundle: 'sqs' }, "'bundle' must be one of iot, api-gateway, mqtt, not 'sqs'."],
    [{ stub: { app: 'a' } }, "'stub.stage'"],
    [{ stub: undefined }, "'stub' must be what stubEnvironment() takes, not undefined."],
    [{ mirror: 'yes' }, "'mirror' must be true or false, not 'yes'."],
    // Each of these would be a function whose stub fails when it starts.
    [{ bundle: 'mqtt' }, "The 'mqtt' stub needs 'url': the broker's URL."],
    [{ stub: { ...STUB, url: 'mqtt://broker' } }, "The 'iot' stub needs 'endpoint': the host"],
    [{ stub: { ...STUB, endpoint: 'http://host' } }, "'stub.endpoint' must be a host such as"],
    [
      { bundle: 'api-gateway', stub: { ...STUB, endpoint: 'wss://a1.execute-api.eu-west-1.amazonaws.com' } },
      "'stub.endpoint' must be a URL with the API's stage",
    ],
    [{ bundle: 'mqtt', stub: { ...STUB, url: 'http://broker' } }, "'stub.url'"],
    [{ bundle: 'mqtt', stub: { ...STUB, url: 'mqtts://broker', ca: './ca.pem' } }, "'stub.ca' must be PEM"],
    [{ stub: { ...STUB, endpoint: 'a.iot', frameBytes: 131_073 } }, "'stub.frameBytes' is 131,073"],
    [
      { bundle: 'api-gateway', stub: { ...STUB, endpoint: 'wss://socket.example.com/a', frameBytes: 2_000 } },
      "'stub.frameBytes' is for the 'mqtt' and 'iot' stubs",
    ],
    [
      { stub: { ...STUB, endpoint: 'host', mode: 'mirror' } },
      "'stub.mode' follows from plan()'s own options",
    ],
    [{ mirrorMaxBytes: -1 }, "'mirrorMaxBytes' must be a whole number from 0, not -1."],
  ])('refuses %j', async (wrong, message) => {
    await expect(plan({ ...one('node'), ...wrong } as LiveOptions)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining(message),
    })
  })
})

const template: { found?: FunctionDetails } = {}
beforeAll(async () => {
  await account.create('template')
  const sdk = await import('@aws-sdk/client-lambda')
  const found = await findFunction(
    { lambda: account.lambda, commands: sdk, region: 'us-east-1', iam: () => Promise.reject() },
    'template',
    undefined,
  )
  if (found !== undefined) template.found = found
})

/** The reasons against a function that differs from one without problems. */
function checked(
  given: GetFunctionCommandOutput['Configuration'] & object,
  more: {
    mode?: 'wrap' | 'replace'
    mirror?: boolean
    ours?: boolean
    found?: Partial<FunctionDetails>
  } = {},
): string[] {
  const base = template.found
  if (base === undefined) throw new Error('the template was not read')
  const { mode = 'wrap', mirror = false, ours = false } = more
  const facts = {
    ...base.facts,
    ...('CodeSize' in given && { codeBytes: given.CodeSize ?? 0 }),
    ...('CodeSha256' in given && { codeSha256: given.CodeSha256 ?? '' }),
    ...('Layers' in given && { layers: (given.Layers ?? []).map(({ Arn = '' }) => Arn) }),
  }
  const found = { ...base, facts, given: { ...base.given, ...given }, ...more.found }
  const settings = { mode, variables: {}, layerPrefix: 'ours-', layerArn: 'arn:aws:lambda:::layer:ours-x:1' }
  const snapshot = {
    id: '0',
    original: facts,
    live: { timeoutSeconds: [], codeSha256: [], runtime: 'nodejs22.x', handler: 'index.handler' },
  }
  const wanted = liveConfiguration(facts, snapshot, settings)
  const context = {
    mode,
    options: { vpc: 'refuse' as const, mirror },
    wanted,
    ours,
    now: Date.parse('2026-09-01'),
  }
  expect(warnings(found, [], context)).toBeInstanceOf(Array)
  return refusals(found, context)
}
