import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import {
  CreateAliasCommand,
  CreateFunctionCommand,
  type CreateFunctionCommandInput,
  DeleteFunctionCommand,
  DeleteFunctionConcurrencyCommand,
  GetFunctionCommand,
  GetFunctionConcurrencyCommand,
  GetFunctionConfigurationCommand,
  InvokeCommand,
  type InvokeCommandInput,
  type LambdaClient,
  ListAliasesCommand,
  ListFunctionsCommand,
  ListProvisionedConcurrencyConfigsCommand,
  ListTagsCommand,
  ListVersionsByFunctionCommand,
  PublishVersionCommand,
  PutFunctionConcurrencyCommand,
  PutProvisionedConcurrencyConfigCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda'
import { describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.js'
import { controlPlane, ROLE, settled, zipOf } from './control-plane-fixture.js'
import { event, folder } from './lambda-fixture.js'

const SAY = (word: string) => `exports.handler = async () => ({ word: '${word}', mine: process.env.MINE })`
const FunctionName = 'fn'
const quick = { controlPlane: { updateMs: 10 } }

function definition(code: string, more: Partial<CreateFunctionCommandInput> = {}): CreateFunctionCommand {
  return new CreateFunctionCommand({
    FunctionName,
    Role: ROLE,
    Runtime: 'nodejs22.x',
    Handler: 'index.handler',
    Code: { ZipFile: zipOf({ 'index.cjs': code }) },
    ...more,
  })
}

async function invoke(lambda: LambdaClient, more: Partial<InvokeCommandInput> = {}) {
  const { Payload, ...rest } = await lambda.send(new InvokeCommand({ FunctionName, ...more }))
  return { ...rest, value: JSON.parse(Payload?.transformToString() || 'null') }
}

describe('a function of the cloud', () => {
  test('is described as Lambda would', async () => {
    const { cloud, lambda } = await controlPlane({ region: 'eu-west-1' })
    const bundle = await folder({ 'index.cjs': SAY('real') })
    const { arn } = cloud.function({
      name: FunctionName,
      bundle,
      environment: { MINE: 'x' },
      timeoutMs: 2500,
    })
    const { Configuration, Code } = await lambda.send(new GetFunctionCommand({ FunctionName }))
    const bytes = Buffer.from(await (await fetch(Code?.Location ?? '')).arrayBuffer())
    expect(Configuration).toMatchObject({
      FunctionName,
      FunctionArn: arn,
      Handler: 'index.handler',
      Timeout: 3,
      MemorySize: 128,
      Environment: { Variables: { MINE: 'x' } },
      State: 'Active',
      LastUpdateStatus: 'Successful',
      Version: '$LATEST',
      CodeSize: bytes.length,
      CodeSha256: createHash('sha256').update(bytes).digest('base64'),
    })
    const same = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: arn }))
    expect(same).toMatchObject(Configuration ?? {})
    expect(await invoke(lambda)).toMatchObject({ StatusCode: 200, value: { word: 'real', mine: 'x' } })
  })

  test('takes new code and a new configuration, and its old ones again', async () => {
    const { cloud, lambda } = await controlPlane(quick)
    const bundle = await folder({ 'index.cjs': SAY('real') })
    cloud.function({ name: FunctionName, bundle, environment: { MINE: 'x' } })
    const before = await lambda.send(new GetFunctionCommand({ FunctionName }))
    const original = new Uint8Array(await (await fetch(before.Code?.Location ?? '')).arrayBuffer())
    await invoke(lambda)

    const ZipFile = zipOf({ 'other.cjs': SAY('stub') })
    await lambda.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile }))
    await settled(lambda, FunctionName)
    const live = {
      FunctionName,
      Handler: 'other.handler',
      Timeout: 900,
      Environment: { Variables: { MINE: 'y' } },
    }
    await lambda.send(new UpdateFunctionConfigurationCommand(live))
    await settled(lambda, FunctionName)
    expect((await invoke(lambda)).value).toEqual({ word: 'stub', mine: 'y' })

    const { Handler, Timeout, Environment } = before.Configuration ?? {}
    const old = { FunctionName, Handler, Timeout, Environment: { Variables: Environment?.Variables } }
    await lambda.send(new UpdateFunctionConfigurationCommand(old))
    await settled(lambda, FunctionName)
    await lambda.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile: original }))
    const { RevisionId: _, LastModified: __, ...after } = await settled(lambda, FunctionName)
    expect((await invoke(lambda)).value).toEqual({ word: 'real', mine: 'x' })
    expect(before.Configuration).toMatchObject(after)
  })

  test('has another time-out once it was changed, and exactly its own again', async () => {
    const { cloud, lambda } = await controlPlane(quick)
    const bundle = await folder({
      'index.cjs': `exports.handler = async (e, context) => context.getRemainingTimeInMillis()`,
    })
    cloud.function({ name: FunctionName, bundle, timeoutMs: 2500 })
    const left = async () => (await invoke(lambda)).value
    for (const [Timeout, more, less] of [
      [900, 800_000, 900_000],
      [3, 1000, 2500],
    ]) {
      await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Timeout }))
      await settled(lambda, FunctionName)
      const ms = await left()
      expect(ms).toBeGreaterThan(more ?? 0)
      expect(ms).toBeLessThanOrEqual(less ?? 0)
    }
  })

  test('runs new code from its next environment on, and ends the old one after its invocation', async () => {
    const { cloud, lambda } = await controlPlane(quick)
    const slow = (word: string) =>
      `exports.handler = async ({ ms }) => { await new Promise((r) => setTimeout(r, ms)); return '${word}' }`
    const bundle = await folder({ 'index.cjs': slow('old') })
    const fn = cloud.function({ name: FunctionName, bundle })
    await invoke(lambda, { Payload: '{}' })
    const busy = event(cloud.lambda, 'environment', ({ state }) => state === 'busy')
    const running = invoke(lambda, { Payload: '{"ms":600}' })
    await busy
    const ended = event(cloud.lambda, 'environment', ({ state }) => state === 'ended')
    const ZipFile = zipOf({ 'index.cjs': slow('new') })
    await lambda.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile }))
    await settled(lambda, FunctionName)
    expect((await invoke(lambda, { Payload: '{}' })).value).toBe('new')
    expect((await running).value).toBe('old')
    await ended
    await eventually(() => expect(fn.environments()).toHaveLength(1))
  })
})

describe('CreateFunction', () => {
  test('makes a function of a zip, for as many runtimes as the host has', async () => {
    const { lambda } = await controlPlane(quick)
    const created = await lambda.send(
      definition(SAY('made'), { Environment: { Variables: { MINE: 'x' } }, Tags: { team: 'a' } }),
    )
    expect(created).toMatchObject({ State: 'Pending', StateReasonCode: 'Creating', Role: ROLE })
    expect(await settled(lambda, FunctionName)).toMatchObject({ State: 'Active', Runtime: 'nodejs22.x' })
    expect((await invoke(lambda)).value).toEqual({ word: 'made', mine: 'x' })

    const Code = { ZipFile: zipOf({ 'app.py': 'def handler(e, c): return "python"' }) }
    await lambda.send(
      definition('', { FunctionName: 'py', Runtime: 'python3.13', Handler: 'app.handler', Code }),
    )
    await settled(lambda, 'py')
    expect((await invoke(lambda, { FunctionName: 'py' })).value).toBe('python')
  })

  test('unpacks to a folder that goes with the cloud', async () => {
    const { cloud, lambda } = await controlPlane(quick)
    await lambda.send(definition(`exports.handler = async () => __dirname`))
    await settled(lambda, FunctionName)
    const { value } = await invoke(lambda)
    expect(existsSync(value)).toBe(true)
    await cloud.close()
    expect(existsSync(dirname(value))).toBe(false)
  })

  test('takes code from a bucket', async () => {
    const { cloud, lambda } = await controlPlane(quick)
    const { S3Client, PutObjectCommand } = await import('@aws-sdk/client-s3')
    const { region, credentials, s3Endpoint: endpoint } = cloud
    const s3 = new S3Client({ region, credentials, endpoint, forcePathStyle: true })
    cloud.bucket('code-bucket')
    const Body = zipOf({ 'index.cjs': SAY('stored') })
    await s3.send(new PutObjectCommand({ Bucket: 'code-bucket', Key: 'a.zip', Body }))
    s3.destroy()
    await lambda.send(definition('', { Code: { S3Bucket: 'code-bucket', S3Key: 'a.zip' } }))
    await settled(lambda, FunctionName)
    expect((await invoke(lambda)).value).toEqual({ word: 'stored' })
    await expect(
      lambda.send(new UpdateFunctionCodeCommand({ FunctionName, S3Bucket: 'code-bucket', S3Key: 'b.zip' })),
    ).rejects.toMatchObject({ name: 'InvalidParameterValueException' })
  })

  test('keeps images and foreign runtimes, and does not run them', async () => {
    const { lambda } = await controlPlane(quick)
    const ImageUri = '123456789012.dkr.ecr.us-east-1.amazonaws.com/app:1'
    await lambda.send(
      new CreateFunctionCommand({ FunctionName, Role: ROLE, PackageType: 'Image', Code: { ImageUri } }),
    )
    await lambda.send(definition('', { FunctionName: 'java', Runtime: 'java21', Handler: 'a.B::handle' }))
    await Promise.all([settled(lambda, FunctionName), settled(lambda, 'java')])
    const { Configuration, Code } = await lambda.send(new GetFunctionCommand({ FunctionName }))
    expect([Configuration?.PackageType, Code?.ImageUri]).toEqual(['Image', ImageUri])
    for (const name of [FunctionName, 'java']) {
      await expect(invoke(lambda, { FunctionName: name })).rejects.toMatchObject({
        name: 'InvalidRuntimeException',
      })
    }
    await expect(
      lambda.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile: zipOf({ a: '' }) })),
    ).rejects.toMatchObject({ name: 'InvalidParameterValueException' })
  })
})

describe('Invoke', () => {
  test('answers in Lambda’s words: errors, logs, types, contexts, limits', async () => {
    const { lambda } = await controlPlane(quick)
    await lambda.send(
      definition(`exports.handler = async (event, context) => {
        console.log('line')
        if (event.fail) throw new TypeError('no')
        return { event, context: context.clientContext }
      }`),
    )
    await settled(lambda, FunctionName)
    const ClientContext = Buffer.from('{"custom":{"a":1}}').toString('base64')
    const good = await invoke(lambda, { Payload: '{"x":1}', LogType: 'Tail', ClientContext })
    expect(good).toMatchObject({ StatusCode: 200, ExecutedVersion: '$LATEST' })
    expect(good.value).toEqual({ event: { x: 1 }, context: { custom: { a: 1 } } })
    expect(Buffer.from(good.LogResult ?? '', 'base64').toString()).toContain('line')
    expect(await invoke(lambda, { Payload: '{"fail":true}' })).toMatchObject({
      StatusCode: 200,
      FunctionError: 'Unhandled',
      value: { errorType: 'TypeError', errorMessage: 'no' },
    })
    expect(await invoke(lambda, { InvocationType: 'Event' })).toMatchObject({ StatusCode: 202 })
    expect(await invoke(lambda, { InvocationType: 'DryRun' })).toMatchObject({ StatusCode: 204 })
    await expect(invoke(lambda, { Payload: '{' })).rejects.toMatchObject({
      name: 'InvalidRequestContentException',
    })
    await expect(invoke(lambda, { Payload: `"${'x'.repeat(6 * 1024 * 1024)}"` })).rejects.toMatchObject({
      name: 'RequestTooLargeException',
    })
  })

  test('is throttled by the reserved concurrency', async () => {
    const { lambda } = await controlPlane(quick)
    await lambda.send(definition(SAY('made')))
    await settled(lambda, FunctionName)
    await lambda.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 0 }))
    await expect(invoke(lambda)).rejects.toMatchObject({
      name: 'TooManyRequestsException',
      Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
    })
    const { Concurrency } = await lambda.send(new GetFunctionCommand({ FunctionName }))
    expect(Concurrency).toEqual({ ReservedConcurrentExecutions: 0 })
    await lambda.send(new DeleteFunctionConcurrencyCommand({ FunctionName }))
    const { ReservedConcurrentExecutions } = await lambda.send(
      new GetFunctionConcurrencyCommand({ FunctionName }),
    )
    expect(ReservedConcurrentExecutions).toBeUndefined()
    expect((await invoke(lambda)).StatusCode).toBe(200)
  })

  test('by a version or an alias runs the published code', async () => {
    const { cloud, lambda } = await controlPlane(quick)
    await lambda.send(
      definition(
        `exports.handler = async (e, c) => ['old', c.functionVersion, c.invokedFunctionArn, process.env.MINE]`,
        {
          Environment: { Variables: { MINE: 'x' } },
        },
      ),
    )
    await settled(lambda, FunctionName)
    const FunctionArn = `arn:aws:lambda:${cloud.region}:${cloud.accountId}:function:fn:1`
    const version = await lambda.send(new PublishVersionCommand({ FunctionName }))
    expect(version).toMatchObject({ Version: '1', FunctionArn })
    await lambda.send(new CreateAliasCommand({ FunctionName, Name: 'live', FunctionVersion: '1' }))
    await lambda.send(
      new PutProvisionedConcurrencyConfigCommand({
        FunctionName,
        Qualifier: 'live',
        ProvisionedConcurrentExecutions: 1,
      }),
    )
    const ZipFile = zipOf({ 'index.cjs': `exports.handler = async () => 'new'` })
    await lambda.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile }))
    await settled(lambda, FunctionName)
    expect((await invoke(lambda)).value).toBe('new')
    for (const more of [{ Qualifier: '1' }, { Qualifier: 'live' }, { FunctionName: 'fn:live' }]) {
      const { value, ExecutedVersion } = await invoke(lambda, more)
      expect([value, ExecutedVersion]).toEqual([['old', '1', FunctionArn, 'x'], '1'])
    }
    const { Versions } = await lambda.send(new ListVersionsByFunctionCommand({ FunctionName }))
    expect(Versions?.map(({ Version }) => Version)).toEqual(['$LATEST', '1'])
    const { Aliases } = await lambda.send(new ListAliasesCommand({ FunctionName }))
    expect(Aliases).toMatchObject([{ Name: 'live', FunctionVersion: '1' }])
    const provisioned = await lambda.send(new ListProvisionedConcurrencyConfigsCommand({ FunctionName }))
    expect(provisioned.ProvisionedConcurrencyConfigs).toMatchObject([{ Status: 'READY' }])
    await expect(invoke(lambda, { Qualifier: '2' })).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    })
  })
})

describe('functions', () => {
  test('are listed in pages, without their states', async () => {
    const { cloud, lambda } = await controlPlane()
    const bundle = await folder({ 'index.cjs': SAY('real') })
    const names = ['a', 'b', 'c', 'd', 'e']
    for (const name of [...names].reverse()) cloud.function({ name, bundle })
    const pages: (string | undefined)[][] = []
    let Marker: string | undefined
    do {
      const page = await lambda.send(new ListFunctionsCommand({ MaxItems: 2, Marker }))
      pages.push((page.Functions ?? []).map(({ FunctionName }) => FunctionName))
      expect(page.Functions?.[0]?.State).toBeUndefined()
      Marker = page.NextMarker
    } while (Marker !== undefined && pages.length < 9)
    expect(pages).toEqual([['a', 'b'], ['c', 'd'], ['e']])
    const whole = await lambda.send(new ListFunctionsCommand({ MaxItems: 5 }))
    expect([whole.Functions?.length, whole.NextMarker]).toEqual([5, undefined])
  })

  test('are tagged and untagged by their ARN', async () => {
    const { cloud, lambda } = await controlPlane()
    const { arn } = cloud.function({ name: FunctionName, bundle: await folder({}) })
    await lambda.send(new TagResourceCommand({ Resource: arn, Tags: { a: '1', 'b:c/d': 'x y' } }))
    const tags = async () => (await lambda.send(new ListTagsCommand({ Resource: arn }))).Tags
    expect(await tags()).toEqual({ a: '1', 'b:c/d': 'x y' })
    const { Tags } = await lambda.send(new GetFunctionCommand({ FunctionName }))
    expect(Tags).toEqual({ a: '1', 'b:c/d': 'x y' })
    await lambda.send(new UntagResourceCommand({ Resource: arn, TagKeys: ['b:c/d', 'none'] }))
    expect(await tags()).toEqual({ a: '1' })
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`k${index}`, '']))
    await expect(lambda.send(new TagResourceCommand({ Resource: arn, Tags: many }))).rejects.toThrow(
      /at most 50 tags; these would be 51/,
    )
  })

  test('that are deleted are gone', async () => {
    const { cloud, lambda } = await controlPlane()
    const fn = cloud.function({ name: FunctionName, bundle: await folder({ 'index.cjs': SAY('x') }) })
    await invoke(lambda)
    await lambda.send(new DeleteFunctionCommand({ FunctionName }))
    const gone = { name: 'ResourceNotFoundException', $metadata: { httpStatusCode: 404 } }
    await expect(lambda.send(new GetFunctionCommand({ FunctionName }))).rejects.toMatchObject(gone)
    await expect(invoke(lambda)).rejects.toMatchObject(gone)
    expect(fn.environments()).toEqual([])
    await lambda.send(definition(SAY('again')))
    await settled(lambda, FunctionName)
    expect((await invoke(lambda)).value).toEqual({ word: 'again' })
  })
})
