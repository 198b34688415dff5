import { devNull } from 'node:os'
import { WrittenStream } from '../../src/core/session/streaming/written-stream.js'
import * as deploy from '../../src/deploy/index.js'
import { diagnose } from '../../src/diagnose/index.js'
import * as executors from '../../src/executors/index.js'
import {
  createSession,
  diff,
  generateKey,
  invokeLocally,
  type Replayable,
  type RespondStreamOptions,
  report,
  TetherError,
} from '../../src/index.js'
import { inspect } from '../../src/inspector/index.js'
import * as local from '../../src/local/index.js'
import {
  type InvocationRecord,
  openRecordings,
  record,
  toFixture,
  toHar,
  writeFixture,
} from '../../src/recorder/index.js'
import { command } from '../../src/sources/command.js'
import { type EsbuildSourceOptions, esbuild, esbuildAll } from '../../src/sources/esbuild.js'
import { file } from '../../src/sources/file.js'
import { memoryStore } from '../../src/stores/memory.js'
import { installS3LifecycleRule, s3, s3LifecycleRule } from '../../src/stores/s3.js'
import * as stub from '../../src/stub/index.js'
import * as testing from '../../src/testing/index.js'
import { apiGateway } from '../../src/transports/api-gateway.js'
import { iot } from '../../src/transports/iot.js'
import { memory } from '../../src/transports/memory.js'
import { mqtt } from '../../src/transports/mqtt.js'

/** One value of each kind, none of which is a right one by chance but where a table says so. */
export const SAMPLES = {
  null: null,
  number: 5,
  text: 'some text',
  flag: true,
  list: [5],
  object: {},
  function: () => {},
  symbol: Symbol('sample'),
} as const

export type Sample = keyof typeof SAMPLES

/** A function that takes options. Which there are, its own table of checks says: see {@link optionNames}. */
export interface OptionRow {
  make(options: unknown): unknown
  /** The options that it needs, and no others. */
  readonly valid: object
  /** Other options, by which it does nothing where all are right. */
  readonly effects: object
  /** What it takes beside an object of options. */
  readonly insteadOfOptions: readonly Sample[]
}

/** A function's argument that is no object of options. */
export interface ArgumentRow {
  call(value: unknown): unknown
  /** As messages call it. */
  readonly name: string
  readonly accepts: readonly Sample[]
}

const key = generateKey()
const functionId = 'api'
const stubOptions = {
  app: 'app',
  stage: 'dev',
  key: stub.stubKey({ app: 'app', stage: 'dev', key, functionId }),
}
const transport = memory()
const names = { app: 'app', stage: 'dev' }
const endpoint = 'abc-ats.iot.eu-west-1.amazonaws.com'
const bundle = stub.stubBundle('iot').path
const target = { invoke: async () => ({}) as local.InvokeResult, arn: 'arn' }
const urlTarget = { ...target, invokeWithResponseStream: async () => ({}) as local.InvokeStream }
const cloud = local.createLocalCloud()
const topic = cloud.topic('topic')
const tellingBucket = cloud.bucket('telling')
const queue = cloud.queue('queue')
const subscriber = { ...target, timeoutMs: 3000 }

const fresh = (prefix: string) =>
  `${prefix}-${generateKey()
    .slice(0, 8)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, 'x')}`
const freshQueue = (options?: local.LocalQueueOptions) => cloud.queue(fresh('queue'), options)

const session = () => createSession({ ...names, key, transport })
const serving = () => session().serve({ functions: {} })
const replayable: Replayable = {
  functionId: 'api',
  eventBytes: Buffer.from('{}'),
  context: {
    awsRequestId: '1',
    functionName: 'api',
    functionVersion: '$LATEST',
    invokedFunctionArn: 'arn',
    memoryLimitInMB: '128',
    logGroupName: 'group',
    logStreamName: 'stream',
  },
}
const declined = { kind: 'declined', reason: 'none' } as const

const snapshots = deploy.fileSnapshots('kept')
const going = { functions: ['one'], bundle: 'iot', stub: { ...names, key, endpoint }, snapshots } as const

const loggedOut = () => {
  throw new TetherError('UNREACHABLE', 'nobody is logged in')
}
const nowhere = {
  signal: AbortSignal.abort(),
  region: 'eu-west-1',
  lambdaEndpoint: 'http://127.0.0.1:9',
  credentials: loggedOut,
}

const { lambdaEndpoint: cloudFormationEndpoint, ...asNobody } = nowhere
const noStacks = { ...asNobody, cloudFormationEndpoint }

const kept = {
  eventBytes: Buffer.from('{}'),
  context: {},
  logs: [],
  redacted: [],
  variables: [],
} as unknown as InvocationRecord

/** By `<subpath>#<export>`, and what is called on the result. */
export const optionRows: Readonly<Record<string, OptionRow>> = {
  '.#createSession': row(createSession, { ...names, key, transport }),
  '.#createSession serve': row(
    (options: Parameters<ReturnType<typeof session>['serve']>[0]) => session().serve(options),
    { functions: {} },
  ),
  '.#report': row((options: NonNullable<Parameters<typeof report>[1]>) => report(session(), options), {}),
  '.#createSession next': row(
    (options: NonNullable<Parameters<ReturnType<typeof session>['next']>[1]>) =>
      session().next('api', options),
    {},
    { effects: { signal: AbortSignal.abort(), timeoutMs: 1 } },
  ),
  '.#createSession invocation.respondStream': row(
    (options: RespondStreamOptions) => new WrittenStream(options),
    {},
  ),
  '.#createSession replay': row(
    (options: NonNullable<Parameters<ReturnType<typeof session>['replay']>[1]>) =>
      session().replay(replayable, options),
    {},
    { effects: { signal: AbortSignal.abort() } },
  ),
  '.#createSession replayOnSave': row(
    (options: NonNullable<Parameters<ReturnType<typeof session>['replayOnSave']>[1]>) =>
      session()
        .serve({ functions: { api: () => 1 } })
        .replayOnSave(replayable, options),
    {},
  ),
  '.#diff': row(
    (options: NonNullable<Parameters<typeof diff>[2]>) => diff({ outcome: declined }, declined, options),
    {},
  ),
  '.#invokeLocally': row(
    (options: NonNullable<Parameters<typeof invokeLocally>[2]>) => invokeLocally(() => 1, {}, options),
    {},
    { effects: { signal: AbortSignal.abort() } },
  ),
  '.#createSession open': row(
    (options: NonNullable<Parameters<ReturnType<typeof session>['open']>[0]>) => session().open(options),
    {},
    { effects: { signal: AbortSignal.abort() } },
  ),
  '.#createSession close': row(
    (options: NonNullable<Parameters<ReturnType<typeof session>['close']>[0]>) => session().close(options),
    {},
  ),
  './inspector#inspect': row(
    async (options: NonNullable<Parameters<typeof inspect>[1]>) =>
      (await inspect(session(), options)).close(),
    {},
  ),
  './recorder#record': row(
    (options: NonNullable<Parameters<typeof record>[1]>) => record(session(), options),
    {},
  ),
  './recorder#toFixture': row(
    (options: NonNullable<Parameters<typeof toFixture>[1]>) => toFixture(kept, options),
    {},
  ),
  './recorder#writeFixture': row(
    (options: NonNullable<Parameters<typeof writeFixture>[2]>) => writeFixture(devNull, kept, options),
    {},
  ),
  './recorder#toHar': row((options: NonNullable<Parameters<typeof toHar>[1]>) => toHar([kept], options), {}),
  './transports/memory#memory': row(memory, {}),
  './transports/mqtt#mqtt': row(mqtt, { url: 'mqtt://broker' }),
  './transports/iot#iot': row(iot, {}),
  './transports/api-gateway#apiGateway': row(apiGateway, {
    endpoint: 'wss://abc.execute-api.eu-west-1.amazonaws.com/tether',
  }),
  './stores/memory#memoryStore': row(memoryStore, {}),
  './stores/s3#s3': row(s3, { bucket: 'bucket' }),
  './stores/s3#s3LifecycleRule': row(s3LifecycleRule, { bucket: 'bucket' }),
  './stores/s3#installS3LifecycleRule': row(
    installS3LifecycleRule,
    { bucket: 'bucket' },
    { effects: { region: 'eu-west-1', credentials: loggedOut } },
  ),
  './executors#inline': row(executors.inline, {}),
  './executors#workerThreads': row(executors.workerThreads, {}),
  './executors#childProcesses': row(executors.childProcesses, {}),
  './sources/esbuild#esbuild': row(
    (options: EsbuildSourceOptions) => esbuild(options),
    { entry: './api.ts' },
    { insteadOfOptions: ['text'] },
  ),
  './sources/esbuild#esbuildAll': row(
    (options: NonNullable<Parameters<typeof esbuildAll>[1]>) => esbuildAll({ api: './api.ts' }, options),
    {},
  ),
  './sources/file#file': row(
    (options: NonNullable<Parameters<typeof file>[1]>) => file('./api.py', options),
    {},
  ),
  './sources/command#command': row(
    (options: NonNullable<Parameters<typeof command>[1]>) => command(['program'], options),
    {},
  ),
  './stub#createStub': row(stub.createStub as (options: stub.StubOptions) => stub.StubHandler, {
    ...stubOptions,
    transport,
  }),
  './stub#stubKey': row(stub.stubKey, { ...names, key, functionId }),
  './stub#stubEnvironment': row(stub.stubEnvironment, { ...names, key, functionId, endpoint }),
  './diagnose#diagnose': row(
    diagnose,
    { ...names, key, transport },
    { effects: { signal: AbortSignal.abort() } },
  ),
  './local#createLocalBroker': row(local.createLocalBroker, {}),
  './local#createLambdaHost': row(local.createLambdaHost, {}),
  './local#createLambdaHost function': row(
    (definition: local.FunctionDefinition) => {
      const host = local.createLambdaHost()
      // The host is what must be closed, and removes the function's folder.
      host.function(definition)
      return host
    },
    { name: 'one', bundle },
  ),
  './local#createLocalCloud': row(local.createLocalCloud, {}),
  './local#createLocalCloud functionUrl': row(
    (options: NonNullable<Parameters<local.LocalCloud['functionUrl']>[1]>) =>
      cloud.functionUrl({ name: 'api', ...urlTarget }, options),
    {},
  ),
  './local#createLocalCloud httpApi': row(
    (options: NonNullable<Parameters<local.LocalCloud['httpApi']>[1]>) => cloud.httpApi(target, options),
    {},
  ),
  './local#createLocalCloud publish': row(topic.publish, { message: 'news' }),
  './local#createLocalCloud queue': row((options: local.LocalQueueOptions) => freshQueue(options), {}),
  './local#createLocalCloud send': row((options: local.QueueSendOptions) => queue.send('body', options), {}),
  './local#createLocalCloud receive': row((options: local.ReceiveOptions) => queue.receive(options), {}),
  './local#createLocalCloud subscribe options': row(
    (options: local.EventSourceOptions) => freshQueue().subscribe(subscriber, options).close(),
    {},
  ),
  './local#createLocalCloud notify': row(
    (options: local.NotificationOptions) => cloud.bucket(fresh('bucket')).notify(target, options),
    { events: ['s3:ObjectCreated:*'] },
  ),
  './local#events eventBridge': row(
    (options: local.EventBridgeOptions) => local.events.eventBridge(options),
    { source: 'shop', detailType: 'order', detail: {} },
  ),
  './local#events schedule': row(local.events.schedule, {}),
  './local#events dynamodb': row(local.events.dynamodb, { records: [] }),
  './local#events kinesis': row(local.events.kinesis, { records: [] }),
  './local#events cognito': row(
    (options: local.CognitoOptions<'PreSignUp_SignUp'>) => local.events.cognito('PreSignUp_SignUp', options),
    {},
  ),
  './local#functionUrl': row(local.functionUrl, { function: urlTarget }),
  './local#httpApi': row(local.httpApi, { function: target }),
  './local#webSocketApi': row(local.webSocketApi, { routes: {} }),
  './deploy#apiGatewayPolicy': row(deploy.apiGatewayPolicy, { apiId: 'abc' }),
  './deploy#iotPolicy': row(deploy.iotPolicy, { ...names, role: 'stub' }),
  './deploy#debugStackTemplate': row(deploy.debugStackTemplate, { ...names, key }),
  './deploy#debugStackName': row(deploy.debugStackName, names),
  './deploy#compareTemplates': row(
    (options: deploy.CompareTemplatesOptions) => deploy.compareTemplates({}, {}, options),
    {},
  ),
  './deploy#cdk': row(deploy.cdk, {}),
  './deploy#template': row(deploy.template, { path: 'template.json' }),
  './deploy#deployedBaseline': row(deploy.deployedBaseline, {}),
  './deploy#watchInfrastructure': row(deploy.watchInfrastructure, {
    synth: () => ({}),
    baseline: deploy.fileBaseline('baseline.json'),
  }),
  './deploy#deployDebugStack': row(deploy.deployDebugStack, { ...names, key }, { effects: noStacks }),
  './deploy#removeDebugStack': row(deploy.removeDebugStack, names, { effects: noStacks }),
  './deploy#plan': row(deploy.plan, going, { effects: nowhere }),
  './deploy#goLive': row(deploy.goLive, going, { effects: nowhere }),
  './deploy#restore': row(deploy.restore, { functions: ['one'], snapshots }, { effects: nowhere }),
  './deploy#restoreAll': row(deploy.restoreAll, { ...names, snapshots }, { effects: nowhere }),
  './deploy#s3Snapshots': row(deploy.s3Snapshots, { bucket: 'bucket' }),
  './testing#faulty': row((plan: testing.FaultPlan) => testing.faulty(transport, plan), { seed: 1 }),
  './testing#executorConformance': row(testing.executorConformance, { test: () => {}, factory: noFactory }),
  './testing#transportConformance': row(testing.transportConformance, { test: () => {}, factory: noFactory }),
  './testing#payloadStoreConformance': row(testing.payloadStoreConformance, {
    test: () => {},
    factory: noFactory,
  }),
}

/** The names in the table that a function checks its options by, which it tells whoever misspells one. */
export async function optionNames({ make, valid }: OptionRow): Promise<string[]> {
  const problem = await problemOf(() => make({ ...valid, misspelt: 1 }))
  const [, names] = /^'misspelt' is no option of \w+\(\); those are (.+)\.$/.exec(problem ?? '') ?? []
  if (names === undefined) throw new Error(`The function does not say which options there are: ${problem}`)
  return names.split(', ')
}

const made: unknown[] = []

/** Closes what was made since the last call. */
export async function closeMade(): Promise<void> {
  const disposed = made
    .splice(0)
    .map(async (one) => (one as Partial<AsyncDisposable>)?.[Symbol.asyncDispose]?.())
  await Promise.allSettled(disposed)
}

/** The message of an `INVALID_OPTION`; undefined where nothing was thrown, or a TetherError for another reason. */
export async function problemOf(attempt: () => unknown): Promise<string | undefined> {
  try {
    made.push(await attempt())
    return undefined
  } catch (error) {
    if (!(error instanceof TetherError))
      return `not a TetherError: ${(error as Error)?.stack ?? String(error)}`
    return error.code === 'INVALID_OPTION' ? error.message : undefined
  }
}

export const argumentRows: Readonly<Record<string, ArgumentRow>> = {
  '.#createSession next': argument('functionId', ['text'], (id: string) =>
    session().next(id, { timeoutMs: 1 }),
  ),
  '.#createSession received': argument('functionId', ['text'], (id: string) => session().received(id)),
  '.#report': argument('session', [], (it: never) => report(it)),
  '.#createSession replay record': argument('record', [], (it: never) => session().replay(it)),
  '.#createSession replayOnSave record': argument('record', [], (it: never) => serving().replayOnSave(it)),
  '.#diff record': argument('record', [], (it: never) => diff(it, declined)),
  '.#diff outcome': argument('outcome', [], (it: never) => diff({ outcome: declined }, it)),
  '.#invokeLocally target': argument('target', ['function'], (it: never) => invokeLocally(it, {})),
  '.#createSession reload': argument('functionId', ['text'], (id: string) => serving().reload(id)),
  '.#createSession set': argument('functionId', ['text'], (id: string) =>
    serving().functions.set(id, () => {}),
  ),
  '.#createSession set target': argument('functions.api', ['function'], (it: never) =>
    serving().functions.set('api', it),
  ),
  '.#createSession delete': argument('functionId', ['text'], (id: string) => serving().functions.delete(id)),
  './sources/file#file': argument('target', ['text'], file),
  './sources/esbuild#esbuildAll': argument('targets', ['object'], (targets: Record<string, string>) =>
    esbuildAll(targets),
  ),
  './sources/command#command': argument('program', [], command),
  './recorder#openRecordings': argument('folder', ['text'], openRecordings),
  './inspector#inspect': argument('session', [], (it: never) => inspect(it)),
  './recorder#record': argument('session', [], (it: never) => record(it)),
  './recorder#toFixture': argument('record', [], (it: never) => toFixture(it)),
  './stub#stubBundle': argument('name', [], stub.stubBundle),
  './stub#createStub context': argument('context', ['object', 'list'], (context: never) =>
    stub.createStub({ ...stubOptions, transport })({}, context),
  ),
  './local#createLocalCloud topic': argument('name', [], (name: string) => cloud.topic(name)),
  './local#createLocalCloud subscribe': argument('subscriber', [], topic.subscribe),
  './local#createLocalCloud queue name': argument('name', [], (name: string) => cloud.queue(name)),
  './local#createLocalCloud queue subscribe': argument('subscriber', [], (to: never) => queue.subscribe(to)),
  './local#createLocalCloud notify destination': argument('destination', [], (to: never) =>
    tellingBucket.notify(to, { events: ['s3:ObjectCreated:*'] }),
  ),
  './local#events cognito source': argument('triggerSource', [], (source: never) =>
    local.events.cognito(source),
  ),
  './local#createLocalCloud bucket': argument('name', [], (name: string) => cloud.bucket(name)),
  './deploy#stubZip': argument('name', [], deploy.stubZip),
  './deploy#layerZip': argument('name', [], deploy.layerZip),
  './deploy#fileBaseline': argument('path', ['text'], deploy.fileBaseline),
  './deploy#fileSnapshots': argument('folder', ['text'], deploy.fileSnapshots),
  './testing#faulty': argument('transport', [], (inner: never) => testing.faulty(inner, { seed: 1 })),
}

function row<O extends object>(
  make: (options: O) => unknown,
  valid: NoInfer<O>,
  {
    insteadOfOptions = [],
    effects = {},
  }: Partial<Pick<OptionRow, 'insteadOfOptions'>> & { effects?: Partial<O> } = {},
): OptionRow {
  return { make: make as (options: unknown) => unknown, valid, effects, insteadOfOptions }
}

function argument<A>(name: string, accepts: readonly Sample[], call: (value: A) => unknown): ArgumentRow {
  return { name, accepts, call: call as (value: unknown) => unknown }
}

function noFactory(): never {
  throw new Error('no test is run')
}
