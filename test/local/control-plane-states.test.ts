import {
  CreateFunctionCommand,
  type FunctionConfiguration,
  GetFunctionCommand,
  GetFunctionConfigurationCommand,
  InvokeCommand,
  type LambdaClient,
  PublishVersionCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
  type UpdateFunctionConfigurationCommandInput,
} from '@aws-sdk/client-lambda'
import { describe, expect, test } from 'vitest'
import type { ControlPlaneCall, ControlPlaneOptions } from '../../src/local/index.js'
import { ManualClock } from '../support/manual-clock.js'
import { clients, controlPlane, ROLE, settled, zipOf } from './control-plane-fixture.js'
import { folder } from './lambda-fixture.js'

const FunctionName = 'fn'

async function withFunction(options: ControlPlaneOptions = {}, clock?: ManualClock) {
  const made = await controlPlane({ controlPlane: options, ...(clock === undefined ? {} : { clock }) })
  const bundle = await folder({ 'index.cjs': `exports.handler = async () => process.env.MINE ?? 'none'` })
  made.cloud.function({ name: FunctionName, bundle })
  return made
}

function update(
  lambda: LambdaClient,
  input: Partial<UpdateFunctionConfigurationCommandInput>,
): Promise<FunctionConfiguration> {
  return lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, ...input }))
}

function read(lambda: LambdaClient): Promise<FunctionConfiguration> {
  return lambda.send(new GetFunctionConfigurationCommand({ FunctionName }))
}

async function invoke(lambda: LambdaClient): Promise<unknown> {
  const { Payload } = await lambda.send(new InvokeCommand({ FunctionName }))
  return JSON.parse(Payload?.transformToString() ?? '')
}

test('a new function is pending for its time, and neither runs nor changes until then', async () => {
  const clock = new ManualClock(Date.now())
  const { lambda } = await controlPlane({ clock, controlPlane: { updateMs: 3000 } })
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName,
      Role: ROLE,
      Runtime: 'nodejs22.x',
      Handler: 'index.handler',
      Code: { ZipFile: zipOf({ 'index.cjs': `exports.handler = async () => 'made'` }) },
    }),
  )
  await clock.advance(2999)
  const pending = {
    name: 'ResourceConflictException',
    message: expect.stringContaining('The function is currently in the following state: Pending'),
  }
  expect((await read(lambda)).State).toBe('Pending')
  await expect(invoke(lambda)).rejects.toMatchObject(pending)
  await expect(update(lambda, {})).rejects.toMatchObject(pending)
  await clock.advance(1)
  expect((await read(lambda)).State).toBe('Active')
  expect(await invoke(lambda)).toBe('made')
})

describe('an update', () => {
  test('is in progress for its time, refuses others, and counts only then', async () => {
    const clock = new ManualClock(Date.now())
    const { lambda } = await withFunction({ updateMs: 3000 }, clock)
    const Environment = { Variables: { MINE: 'x' } }
    expect(await update(lambda, { Environment })).toMatchObject({
      State: 'Active',
      LastUpdateStatus: 'InProgress',
      Environment,
    })
    await clock.advance(2999)
    const busy = { name: 'ResourceConflictException', $metadata: { httpStatusCode: 409 } }
    const ZipFile = zipOf({ 'index.cjs': '' })
    await expect(update(lambda, {})).rejects.toMatchObject(busy)
    await expect(lambda.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile }))).rejects.toMatchObject(
      busy,
    )
    await expect(lambda.send(new PublishVersionCommand({ FunctionName }))).rejects.toMatchObject(busy)
    expect(await invoke(lambda)).toBe('none')
    await clock.advance(1)
    expect(await read(lambda)).toMatchObject({ LastUpdateStatus: 'Successful', Environment })
    expect(await invoke(lambda)).toBe('x')
  })

  test('has a new revision when it begins and when it is over', async () => {
    const { lambda } = await withFunction({ updateMs: 10 })
    const before = await read(lambda)
    const begun = await update(lambda, { Timeout: 9, RevisionId: before.RevisionId })
    const after = await settled(lambda, FunctionName)
    expect(new Set([before, begun, after].map(({ RevisionId }) => RevisionId)).size).toBe(3)
    const stale = { name: 'PreconditionFailedException', $metadata: { httpStatusCode: 412 } }
    await expect(update(lambda, { Timeout: 5, RevisionId: begun.RevisionId })).rejects.toMatchObject(stale)
    const ZipFile = zipOf({ 'index.cjs': '' })
    await expect(
      lambda.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile, RevisionId: before.RevisionId })),
    ).rejects.toMatchObject(stale)
    expect((await read(lambda)).Timeout).toBe(9)
    await update(lambda, { Timeout: 5, RevisionId: after.RevisionId })
  })

  test('that fails leaves the running function as it was, and can be repeated', async () => {
    let reason: string | undefined = 'no room'
    const { lambda } = await withFunction({ updateMs: 10, failUpdate: () => reason })
    await update(lambda, { Environment: { Variables: { MINE: 'x' } } })
    await expect(settled(lambda, FunctionName)).rejects.toThrow()
    expect(await read(lambda)).toMatchObject({
      State: 'Active',
      LastUpdateStatus: 'Failed',
      LastUpdateStatusReason: 'no room',
      LastUpdateStatusReasonCode: 'InternalError',
    })
    expect(await invoke(lambda)).toBe('none')
    reason = undefined
    await update(lambda, {})
    await settled(lambda, FunctionName)
    expect(await invoke(lambda)).toBe('x')
  })

  test('that is a dry run changes nothing', async () => {
    const { lambda } = await withFunction()
    const before = await read(lambda)
    const ZipFile = zipOf({ 'index.cjs': 'other' })
    const dry = await lambda.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile, DryRun: true }))
    expect(dry.CodeSha256).not.toBe(before.CodeSha256)
    const { $metadata: _, ...after } = (await read(lambda)) as FunctionConfiguration & { $metadata: object }
    expect(before).toMatchObject(after)
  })

  test.each<[string, Partial<UpdateFunctionConfigurationCommandInput>, string, RegExp]>([
    [
      'variables of more than 4 KB',
      { Environment: { Variables: { AA: 'x'.repeat(4096) } } },
      'InvalidParameterValueException',
      /measures 4105 bytes; Lambda allows 4096/,
    ],
    [
      'a reserved variable',
      { Environment: { Variables: { AWS_REGION: 'x' } } },
      'InvalidParameterValueException',
      /AWS_REGION/,
    ],
    ['a time-out of over 15 minutes', { Timeout: 901 }, 'ValidationException', /901.*900/],
    ['too little memory', { MemorySize: 127 }, 'ValidationException', /127.*128/],
    ['a layer that is not there', { Layers: ['arn:x:1'] }, 'InvalidParameterValueException', /arn:x:1/],
    ['a role that is none', { Role: 'me' }, 'ValidationException', /role/],
    [
      'a runtime that is none',
      { Runtime: 'cobol' as 'nodejs22.x' },
      'InvalidParameterValueException',
      /cobol/,
    ],
    [
      'a runtime that is blocked',
      { Runtime: 'nodejs14.x' },
      'InvalidParameterValueException',
      /nodejs14\.x is no longer supported for creating or updating/,
    ],
  ])('with %s is refused, and nothing is changed', async (_, input, name, message) => {
    const { lambda } = await withFunction()
    const { RevisionId } = await read(lambda)
    await expect(update(lambda, { Description: 'new', ...input })).rejects.toMatchObject({
      name,
      message: expect.stringMatching(message),
    })
    expect((await read(lambda)).RevisionId).toBe(RevisionId)
  })

  test.each([
    ['no zip', Buffer.from('x'.repeat(100))],
    [
      'a damaged zip',
      Buffer.concat([
        zipOf({ a: 'text' }).subarray(0, 31),
        Buffer.from('?'),
        zipOf({ a: 'text' }).subarray(32),
      ]),
    ],
    ['an empty zip', zipOf({})],
    ['a zip that leads out of its folder', zipOf({ '../a': '' })],
  ])('with %s for its code is refused', async (_, ZipFile) => {
    const { lambda } = await withFunction()
    await expect(lambda.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile }))).rejects.toMatchObject(
      { name: 'InvalidParameterValueException' },
    )
  })
})

describe('a link to code', () => {
  test('holds for ten minutes', async () => {
    const clock = new ManualClock(Date.now())
    const { lambda } = await withFunction({}, clock)
    const { Code } = await lambda.send(new GetFunctionCommand({ FunctionName }))
    await clock.advance(600_000)
    expect((await fetch(Code?.Location ?? '')).status).toBe(200)
    await clock.advance(1)
    expect((await fetch(Code?.Location ?? '')).status).toBe(403)
  })
})

describe('calls', () => {
  test('by unknown identities or with a wrong signature are refused', async () => {
    const other = { accessKeyId: 'AKIAOTHER', secretAccessKey: 'other', sessionToken: 'token' }
    const { cloud, lambda } = await withFunction({ identities: [other] })
    expect((await read(clients(cloud, { credentials: other }).lambda)).FunctionName).toBe(FunctionName)
    const refused = async (credentials: typeof other | typeof cloud.credentials, name: string) =>
      expect(read(clients(cloud, { credentials }).lambda)).rejects.toMatchObject({ name })
    await refused({ ...other, accessKeyId: 'AKIANOBODY' }, 'UnrecognizedClientException')
    await refused({ ...other, sessionToken: 'stale' }, 'UnrecognizedClientException')
    await refused({ ...cloud.credentials, secretAccessKey: 'wrong' }, 'InvalidSignatureException')
    expect((await fetch(`${cloud.lambdaEndpoint}/2015-03-31/functions`)).status).toBe(403)
    expect((await read(lambda)).FunctionName).toBe(FunctionName)
  })

  test('over the rate are throttled, which the SDK waits out', async () => {
    const clock = new ManualClock(Date.now())
    const { cloud, lambda } = await withFunction({ callsPerSecond: 2 }, clock)
    await read(lambda)
    await read(lambda)
    await expect(read(lambda)).rejects.toMatchObject({
      name: 'TooManyRequestsException',
      Reason: 'CallerRateLimitExceeded',
      $metadata: { httpStatusCode: 429 },
    })
    expect(await invoke(lambda)).toBe('none')
    await clock.advance(500)
    await read(lambda)
    const patient = clients(cloud, { attempts: 3 }).lambda
    const waited = read(patient)
    const timer = setInterval(() => void clock.advance(500), 20)
    expect((await waited).FunctionName).toBe(FunctionName)
    clearInterval(timer)
  })

  test('are reported before and after they run, and can be made to fail', async () => {
    const seen: ControlPlaneCall[] = []
    let fault: ControlPlaneOptions['onCall'] = () => undefined
    const { lambda } = await withFunction({
      updateMs: 0,
      onCall: (call) => {
        seen.push(call)
        return fault?.(call)
      },
    })
    const { Timeout } = await read(lambda)
    expect(Timeout).toBe(3)
    const call = { service: 'lambda', operation: 'GetFunctionConfiguration', resource: 'fn', changes: false }
    expect(seen).toEqual([
      { ...call, stage: 'before' },
      { ...call, stage: 'after' },
    ])

    fault = ({ stage }) => (stage === 'before' ? 'cut' : undefined)
    await expect(update(lambda, { Timeout: 4 })).rejects.toThrow()
    fault = () => undefined
    expect((await read(lambda)).Timeout).toBe(3)

    fault = ({ stage, changes }) => (stage === 'after' && changes ? 'cut' : undefined)
    await expect(update(lambda, { Timeout: 5 })).rejects.toThrow()
    fault = () => undefined
    expect((await settled(lambda, FunctionName)).Timeout).toBe(5)

    fault = () => ({ error: 'AccessDeniedException', message: 'not you' })
    await expect(update(lambda, { Timeout: 6 })).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: 'not you',
      $metadata: { httpStatusCode: 403 },
    })
  })
})
