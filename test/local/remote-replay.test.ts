import { expect, onTestFinished, test } from 'vitest'
import { createSession, generateKey, type Replayable } from '../../src/index.js'
import { memory } from '../../src/transports/memory.js'
import { stubContext } from '../support/stub-context.js'
import { clients, controlPlane } from './control-plane-fixture.js'
import { folder } from './lambda-fixture.js'

const { getRemainingTimeInMillis: _r, done: _d, fail: _f, succeed: _s, ...CONTEXT } = stubContext()

const CODE = `exports.handler = async (event, context) => {
  if (event.fails) throw new RangeError('too many')
  return { event, custom: context.clientContext?.custom }
}`

function session() {
  const opened = createSession({ app: 'shop', stage: 'dev', key: generateKey(), transport: memory() })
  onTestFinished(() => opened.close())
  return opened
}

/** A function of the local cloud, and a record of one of its invocations. */
async function deployed() {
  const { cloud, lambda: client } = await controlPlane({ region: 'eu-west-1' })
  const { arn } = cloud.function({ name: 'fn', bundle: await folder({ 'index.cjs': CODE }) })
  const recordOf = (event: unknown, more: Partial<Replayable['context']> = {}): Replayable => ({
    functionId: 'api',
    eventBytes: Buffer.from(JSON.stringify(event)),
    context: { ...CONTEXT, invokedFunctionArn: arn, ...more },
  })
  return { cloud, client, recordOf }
}

test('a remote replay invokes the real function, with its client context, also before open()', async () => {
  const { client, recordOf } = await deployed()
  const record = recordOf({ id: 7 }, { clientContext: { custom: { place: 'größe' } } })
  const outcome = await session().replay(record, {
    as: 'remote',
    client,
    event: ({ id }) => ({ id: id + 1 }),
  })
  expect(outcome).toMatchObject({ kind: 'value', value: { event: { id: 8 }, custom: { place: 'größe' } } })
})

test('the function’s error is the outcome', async () => {
  const { client, recordOf } = await deployed()
  const outcome = await session().replay(recordOf({ fails: true }), { as: 'remote', client })
  expect(outcome).toMatchObject({
    kind: 'error',
    error: {
      errorType: 'RangeError',
      errorMessage: 'too many',
      trace: expect.arrayContaining([expect.stringContaining('index.cjs:2')]),
    },
  })
})

test('a refusal by AWS, an aborted signal and a record without an ARN are errors', async () => {
  const { cloud, client, recordOf } = await deployed()
  const gone = recordOf(1, { invokedFunctionArn: `arn:aws:lambda:eu-west-1:${'1'.repeat(12)}:function:gone` })
  await expect(session().replay(gone, { as: 'remote', client })).rejects.toMatchObject({
    code: 'UNREACHABLE',
    message: expect.stringMatching(/:function:gone' could not be invoked: \w+: /),
  })
  const { lambda: stranger } = clients(cloud, {
    credentials: { ...cloud.credentials, secretAccessKey: 'wrong' },
  })
  const refused = await session()
    .replay(recordOf(1), { as: 'remote', client: stranger })
    .catch((error) => error)
  expect(refused).toMatchObject({ code: 'UNREACHABLE' })
  const signal = AbortSignal.abort()
  await expect(session().replay(recordOf(1), { as: 'remote', client, signal })).rejects.toMatchObject({
    code: 'ABORTED',
  })
  const local = recordOf(1, { invokedFunctionArn: 'arn' })
  await expect(session().replay(local, { as: 'remote', client })).rejects.toThrow(
    /'record' has no ARN of a function, but 'arn'/,
  )
})

test('without a client it makes one, of the region in the ARN', async () => {
  const { cloud, recordOf } = await deployed()
  const { accessKeyId, secretAccessKey } = cloud.credentials
  const variables = {
    AWS_ENDPOINT_URL_LAMBDA: cloud.lambdaEndpoint,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  }
  const before = Object.fromEntries(Object.keys(variables).map((name) => [name, process.env[name]]))
  onTestFinished(() => {
    for (const [name, value] of Object.entries(before))
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
  })
  Object.assign(process.env, variables)
  expect(await session().replay(recordOf(5), { as: 'remote' })).toMatchObject({ value: { event: 5 } })
})
