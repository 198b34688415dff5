import { CreateStackCommand, DescribeStacksCommand } from '@aws-sdk/client-cloudformation'
import { IAMClient, ListRolesCommand } from '@aws-sdk/client-iam'
import { LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda'
import { DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { deployDebugStack, removeDebugStack } from '../../src/deploy/index.js'
import { createSession, generateKey } from '../../src/index.js'
import { stubBundle, stubEnvironment } from '../../src/stub/index.js'
import { apiGateway } from '../../src/transports/api-gateway.js'
import { json } from '../local/lambda-fixture.js'
import { liveProcesses } from './live-process.js'
import { stackCloud } from './stack-fixture.js'

const NAME = 'dev-shop-debug-stack'
const ROLLED_BACK = 'Relay (AWS::Lambda::Function): Rate exceeded. It is in ROLLBACK_COMPLETE.'

describe('deployDebugStack', () => {
  it('creates a working stack, updates its tags, and removes everything', async () => {
    const { cloud, client, target, progress } = await stackCloud()
    const { region, credentials } = cloud
    const { app, stage, key } = target
    const made = await deployDebugStack({ ...target, tags: { team: 'shop' } })
    expect(made).toMatchObject({ stackName: NAME, outcome: 'created', region })
    expect(progress.at(-1)).toMatchObject({ logicalId: NAME, status: 'CREATE_COMPLETE', done: 17, total: 17 })
    const relay = progress.find((one) => one.logicalId === 'Relay' && one.status === 'CREATE_COMPLETE')
    expect(String(relay)).toMatch(/^\d+\/17 Relay \(AWS::Lambda::Function\): create complete, \d+\.\d s$/)

    const session = createSession({
      app,
      stage,
      key,
      transport: apiGateway({ endpoint: made.endpoint, region, credentials }),
    })
    session.serve({ functions: { api: async (event: unknown) => ({ local: event }) } })
    await session.open()
    onTestFinished(() => session.close())
    const fn = cloud.function({
      name: 'api',
      bundle: stubBundle('api-gateway').path,
      handler: 'stub-api-gateway.handler',
      timeoutMs: 15_000,
      environment: stubEnvironment({ app, stage, key, functionId: 'api', endpoint: made.endpoint }),
    })
    expect(json(await fn.invoke({ n: 1 }))).toEqual({ local: { n: 1 } })

    expect(await deployDebugStack({ ...target, tags: { team: 'shop' } })).toMatchObject({
      outcome: 'unchanged',
      endpoint: made.endpoint,
    })
    expect(await deployDebugStack({ ...target, tags: { team: 'till' } })).toMatchObject({
      outcome: 'updated',
      stackId: made.stackId,
      endpoint: made.endpoint,
      bucket: made.bucket,
    })
    const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName: NAME }))
    expect(stack?.Tags).toEqual([{ Key: 'team', Value: 'till' }])
    expect(json(await fn.invoke({ n: 2 }))).toEqual({ local: { n: 2 } })

    await session.close()
    const s3 = new S3Client({ region, credentials, endpoint: cloud.s3Endpoint, forcePathStyle: true })
    onTestFinished(() => s3.destroy())
    for (const Key of ['lambda-tether/a', 'lambda-tether/b & c'])
      await s3.send(new PutObjectCommand({ Bucket: made.bucket, Key, Body: 'sealed' }))
    expect(await removeDebugStack(removal(target))).toEqual({
      stackName: NAME,
      outcome: 'removed',
      objects: 2,
    })
    expect(await removeDebugStack(removal(target))).toEqual({
      stackName: NAME,
      outcome: 'absent',
      objects: 0,
    })
    await expect(s3.send(new DeleteObjectCommand({ Bucket: made.bucket, Key: 'a' }))).rejects.toThrow(
      /bucket does not exist/,
    )
    const lambda = new LambdaClient({ region, credentials, endpoint: cloud.lambdaEndpoint })
    onTestFinished(() => lambda.destroy())
    const { Functions = [] } = await lambda.send(new ListFunctionsCommand({}))
    expect(Functions.map(({ FunctionName }) => FunctionName)).toEqual(['api'])
    const iam = new IAMClient({ region, credentials, endpoint: cloud.iamEndpoint })
    onTestFinished(() => iam.destroy())
    expect((await iam.send(new ListRolesCommand({}))).Roles).toEqual([])
    await expect(fetch(made.endpoint.replace(/^ws/, 'http'))).rejects.toThrow('fetch failed')
  }, 60_000)

  it('reports the failed resource with the reason, and recreates the stack when called again', async () => {
    let fails = true
    const { target } = await stackCloud({
      failResource: ({ logicalId, action }) =>
        fails && logicalId === 'Relay' && action === 'CREATE' ? 'Rate exceeded' : undefined,
    })
    await expect(deployDebugStack(target)).rejects.toMatchObject({
      code: 'DEPLOY_FAILED',
      message: expect.stringContaining(`The stack ${NAME} could not be created: ${ROLLED_BACK}`),
      details: { logicalId: 'Relay', reason: 'Rate exceeded', status: 'ROLLBACK_COMPLETE' },
    })
    fails = false
    expect(await deployDebugStack(target)).toMatchObject({ outcome: 'created' })
  })

  it('reports a rolled back update, and succeeds when called again', async () => {
    let fails = false
    const { target } = await stackCloud({
      failResource: ({ logicalId, action }) =>
        fails && logicalId === 'Connections' && action === 'UPDATE' ? 'Throttled' : undefined,
    })
    const { endpoint } = await deployDebugStack(target)
    fails = true
    const tagged = { ...target, tags: { team: 'shop' } }
    await expect(deployDebugStack(tagged)).rejects.toThrow(
      /could not be updated: Connections .*: Throttled\. It is in UPDATE_ROLLBACK_COMPLETE/,
    )
    fails = false
    expect(await deployDebugStack(tagged)).toMatchObject({ outcome: 'updated', endpoint })
  })

  it.each(['CREATE_IN_PROGRESS', 'UPDATE_IN_PROGRESS'])(
    'resumes waiting after it was ended in %s',
    async (status) => {
      const { target, client } = await stackCloud({ updateMs: 40 })
      if (status === 'UPDATE_IN_PROGRESS') await deployDebugStack(target)
      const tagged = { ...target, tags: { team: 'shop' } }
      const killed = new AbortController()
      const onProgress = () => killed.abort()
      await expect(deployDebugStack({ ...tagged, onProgress, signal: killed.signal })).rejects.toMatchObject({
        code: 'ABORTED',
      })
      const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName: NAME }))
      expect(stack?.StackStatus).toBe(status)
      const outcome = status === 'CREATE_IN_PROGRESS' ? 'created' : 'updated'
      expect(await deployDebugStack(tagged)).toMatchObject({ outcome, stackId: stack?.StackId })
    },
  )

  it('resumes waiting after its process was killed', async () => {
    await using processes = await liveProcesses()
    let kill = () => {}
    const { target, client } = await stackCloud({
      updateMs: 200,
      onCall: ({ operation, stage }) => {
        if (operation === 'DescribeStackEvents' && stage === 'before') kill()
        return undefined
      },
    })
    const { onProgress: _, ...options } = target
    const killed = new Promise<void>((resolve) => {
      kill = resolve
    })
    const child = await processes.start('deployDebugStack', options)
    await killed
    child.kill()
    const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName: NAME }))
    expect(stack?.StackStatus).toBe('CREATE_IN_PROGRESS')
    expect(await deployDebugStack(target)).toMatchObject({ outcome: 'created', stackId: stack?.StackId })
    expect(await child.ended).toBeUndefined()
  }, 30_000)

  it('creates one stack for two concurrent deployments', async () => {
    const { target } = await stackCloud()
    const [first, second] = await Promise.all([deployDebugStack(target), deployDebugStack(target)])
    expect(first.stackId).toBe(second.stackId)
  })

  it('creates one stack when the answer to its request is lost', async () => {
    let cut = true
    const { target } = await stackCloud({
      onCall: ({ operation, stage }) => {
        if (operation !== 'CreateStack' || stage !== 'after' || !cut) return undefined
        cut = false
        return 'cut'
      },
    })
    expect(await deployDebugStack(target)).toMatchObject({ outcome: 'created' })
  })

  it('leaves a foreign stack alone', async () => {
    const { target, client } = await stackCloud()
    const Resources = { Queue: { Type: 'AWS::SQS::Queue' } }
    await client.send(
      new CreateStackCommand({ StackName: NAME, TemplateBody: JSON.stringify({ Resources }) }),
    )
    const message = expect.stringContaining(`The stack ${NAME} is no debug stack`)
    await expect(deployDebugStack(target)).rejects.toMatchObject({ code: 'DEPLOY_FAILED', message })
    await expect(removeDebugStack(removal(target))).rejects.toMatchObject({ code: 'DEPLOY_FAILED', message })
  })

  it('says on a timeout that CloudFormation continues', async () => {
    const { target } = await stackCloud({ updateMs: 60_000 })
    await expect(deployDebugStack({ ...target, timeoutMs: 0 })).rejects.toThrow(
      /is in CREATE_IN_PROGRESS after 0 ms; CloudFormation goes on\. Call it again/,
    )
  })

  it('gives the relay the keys of a rotation', async () => {
    const { cloud, target } = await stackCloud()
    const { region, credentials } = cloud
    const { app, stage } = target
    await deployDebugStack(target)
    const key = generateKey()
    const { endpoint } = await deployDebugStack({ ...target, key: [key, target.key] })
    await using session = createSession({
      app,
      stage,
      key,
      transport: apiGateway({ endpoint, region, credentials }),
    })
    await session.open()
    expect(session.status.state).toBe('connected')
  }, 30_000)
})

describe('removeDebugStack', () => {
  it('empties the bucket again if a session fills it meanwhile', async () => {
    const { cloud, target } = await stackCloud({
      onCall: ({ operation, stage }) => {
        if (operation === 'DeleteStack' && stage === 'before' && bucket !== '')
          cloud.bucket(bucket).put('late', 'x')
        filled += operation === 'DeleteStack' && stage === 'before' ? 1 : 0
        if (filled > 1) bucket = ''
        return undefined
      },
    })
    let filled = 0
    let bucket = ''
    bucket = (await deployDebugStack(target)).bucket
    expect(await removeDebugStack(removal(target))).toMatchObject({ outcome: 'removed', objects: 2 })
  })

  it('reports the resource that cannot be deleted, and continues when called again', async () => {
    let fails = true
    const { target } = await stackCloud({
      failResource: ({ logicalId, action }) =>
        fails && logicalId === 'RelayRole' && action === 'DELETE' ? 'It is in use' : undefined,
    })
    await deployDebugStack(target)
    await expect(removeDebugStack(removal(target))).rejects.toThrow(
      `The stack ${NAME} could not be deleted: RelayRole (AWS::IAM::Role): It is in use. It is in DELETE_FAILED.`,
    )
    fails = false
    expect(await removeDebugStack(removal(target))).toMatchObject({ outcome: 'removed' })
  })

  it('allows a new deployment after a failed removal', async () => {
    let fails = true
    const { target } = await stackCloud({
      failResource: ({ logicalId, action }) =>
        fails && logicalId === 'RelayRole' && action === 'DELETE' ? 'It is in use' : undefined,
    })
    await deployDebugStack(target)
    await expect(removeDebugStack(removal(target))).rejects.toThrow(/DELETE_FAILED/)
    fails = false
    expect(await deployDebugStack(target)).toMatchObject({ outcome: 'created' })
  })
})

function removal<T extends { readonly key: unknown }>({ key: _, ...target }: T): Omit<T, 'key'> {
  return target
}
