import { devNull } from 'node:os'
import { type RespondStreamOptions, WrittenStream } from '../../src/core/session/streaming/written-stream.js'
import * as deploy from '../../src/deploy/index.js'
import { diagnose } from '../../src/diagnose/index.js'
import * as executors from '../../src/executors/index.js'
import {
  createSession,
  diff,
  generateKey,
  invokeLocally,
  type Replayable,
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

/** A function that takes options. */
export interface OptionRow {
  make(options: unknown): unknown
  readonly valid: object
  readonly required: readonly string[]
  /** Every option, with the samples that are right values of it. */
  readonly accepts: Readonly<Record<string, readonly Sample[]>>
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

const TEXT = ['text'] as const
const NUMBER = ['number'] as const
const FLAG = ['flag'] as const
const FUNCTION = ['function'] as const
const OBJECT = ['object'] as const
/** No sample is right. */
const NONE = [] as const
/** What becomes JSON. */
const ANY_JSON = ['null', 'number', 'text', 'flag', 'list', 'object'] as const

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
const aws = { region: NONE, credentials: FUNCTION }
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
const replayed = { event: FUNCTION, timeoutMs: NUMBER } as const
const declined = { kind: 'declined', reason: 'none' } as const

const origin = { region: TEXT, accountId: NONE, at: NUMBER } as const

const pool = {
  inheritEnv: NONE,
  allowEnv: NONE,
  maxWorkers: NUMBER,
  spares: NUMBER,
  idleMs: NUMBER,
  inspect: ['flag', 'object'],
  clock: NONE,
} as const

const built = {
  format: NONE,
  packages: NONE,
  keepNames: FLAG,
  polling: NUMBER,
  cwd: TEXT,
  taskRoot: TEXT,
  clock: NONE,
  alias: OBJECT,
  conditions: NONE,
  define: OBJECT,
  drop: NONE,
  dropLabels: NONE,
  external: NONE,
  ignoreAnnotations: FLAG,
  inject: NONE,
  jsx: NONE,
  jsxDev: FLAG,
  jsxFactory: TEXT,
  jsxFragment: TEXT,
  jsxImportSource: TEXT,
  jsxSideEffects: FLAG,
  loader: OBJECT,
  logOverride: OBJECT,
  mainFields: NONE,
  nodePaths: NONE,
  plugins: NONE,
  pure: NONE,
  resolveExtensions: NONE,
  supported: OBJECT,
  target: TEXT,
  treeShaking: FLAG,
  tsconfig: TEXT,
  tsconfigRaw: ['text', 'object'],
} as const

const bucket = {
  bucket: NONE,
  prefix: TEXT,
  region: NONE,
  credentials: FUNCTION,
  endpoint: NONE,
  forcePathStyle: FLAG,
  agent: NONE,
} as const
const store = { ...bucket, attemptTimeoutMs: NUMBER }

const account = {
  ...aws,
  lambdaEndpoint: NONE,
  iamEndpoint: NONE,
  snapshots: NONE,
  key: NONE,
  // What is in it is `stubEnvironment()`'s to name.
  stub: OBJECT,
  updateTimeoutMs: NUMBER,
  clock: NONE,
  signal: NONE,
}
const live = {
  ...account,
  functions: NONE,
  bundle: NONE,
  mode: NONE,
  mirror: FLAG,
  mirrorMaxBytes: NUMBER,
  timeoutSeconds: NUMBER,
  liveForMs: NUMBER,
  policy: NONE,
  vpc: NONE,
  onRefused: NONE,
} as const
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

const debugStack = {
  app: TEXT,
  stage: TEXT,
  region: NONE,
  credentials: FUNCTION,
  cloudFormationEndpoint: NONE,
  s3Endpoint: NONE,
  stackName: NONE,
  onProgress: FUNCTION,
  pollMs: NUMBER,
  timeoutMs: NUMBER,
  clock: NONE,
  signal: NONE,
} as const
const { lambdaEndpoint: cloudFormationEndpoint, ...asNobody } = nowhere
const noStacks = { ...asNobody, cloudFormationEndpoint }

const redact = { keys: NONE, values: NONE, allow: NONE } as const
const kept = {
  eventBytes: Buffer.from('{}'),
  context: {},
  logs: [],
  redacted: [],
  variables: [],
} as unknown as InvocationRecord

const suite = { test: FUNCTION, factory: FUNCTION, waitMs: NUMBER, clock: NONE }
const place = { region: NONE, accountId: NONE, partition: NONE }
const run = {
  environment: OBJECT,
  idleMs: NUMBER,
  initTimeoutMs: NUMBER,
  retryDelaysMs: ['list'],
  freeze: FLAG,
} as const

/** By `<subpath>#<export>`, and what is called on the result. */
export const optionRows: Readonly<Record<string, OptionRow>> = {
  '.#createSession': row(
    createSession,
    { ...names, key, transport }, // Without a key or keys, the message names both sides' way to have one.
    ['app', 'stage', 'transport'],
    {
      app: TEXT,
      stage: TEXT,
      name: TEXT,
      key: NONE,
      keys: NONE,
      transport: NONE,
      store: NONE,
      connections: NONE,
      clock: NONE,
      maxKeptBytes: NUMBER,
      team: NONE,
      take: NONE,
      onConflict: NONE,
    },
  ),
  '.#createSession serve': row(
    (options: Parameters<ReturnType<typeof session>['serve']>[0]) => session().serve(options),
    { functions: {} },
    ['functions'],
    {
      executor: NONE,
      functions: ['object', 'function'],
      build: OBJECT,
      env: OBJECT,
      prewarm: FLAG,
      onBuildError: NONE,
    },
  ),
  '.#report': row(
    (options: NonNullable<Parameters<typeof report>[1]>) => report(session(), options),
    {},
    [],
    { write: FUNCTION, colors: FLAG, link: FUNCTION },
  ),
  '.#createSession next': row(
    (options: NonNullable<Parameters<ReturnType<typeof session>['next']>[1]>) =>
      session().next('api', options),
    {},
    [],
    { where: FUNCTION, timeoutMs: NUMBER, signal: NONE },
    [],
    { signal: AbortSignal.abort(), timeoutMs: 1 },
  ),
  '.#createSession invocation.respondStream': row(
    (options: RespondStreamOptions) => new WrittenStream(options),
    {},
    [],
    { contentType: TEXT, metadata: OBJECT },
  ),
  '.#createSession replay': row(
    (options: NonNullable<Parameters<ReturnType<typeof session>['replay']>[1]>) =>
      session().replay(replayable, options),
    {},
    [],
    { ...replayed, as: NONE, client: NONE, signal: NONE },
    [],
    { signal: AbortSignal.abort() },
  ),
  '.#createSession replayOnSave': row(
    (options: NonNullable<Parameters<ReturnType<typeof session>['replayOnSave']>[1]>) =>
      session()
        .serve({ functions: { api: () => 1 } })
        .replayOnSave(replayable, options),
    {},
    [],
    { ...replayed, onOutcome: FUNCTION },
  ),
  '.#diff': row(
    (options: NonNullable<Parameters<typeof diff>[2]>) => diff({ outcome: declined }, declined, options),
    {},
    [],
    { ignore: NONE },
  ),
  '.#invokeLocally': row(
    (options: NonNullable<Parameters<typeof invokeLocally>[2]>) => invokeLocally(() => 1, {}, options),
    {},
    [],
    {
      executor: NONE,
      build: OBJECT,
      env: OBJECT,
      context: OBJECT,
      timeoutMs: NUMBER,
      onLog: FUNCTION,
      signal: NONE,
    },
    [],
    { signal: AbortSignal.abort() },
  ),
  '.#createSession open': row(
    (options: NonNullable<Parameters<ReturnType<typeof session>['open']>[0]>) => session().open(options),
    {},
    [],
    { signal: NONE },
    [],
    { signal: AbortSignal.abort() },
  ),
  '.#createSession close': row(
    (options: NonNullable<Parameters<ReturnType<typeof session>['close']>[0]>) => session().close(options),
    {},
    [],
    { signal: NONE },
  ),
  './inspector#inspect': row(
    async (options: NonNullable<Parameters<typeof inspect>[1]>) =>
      (await inspect(session(), options)).close(),
    {},
    [],
    {
      port: NUMBER,
      history: NONE,
      remoteReplay: FLAG,
      diagnose: FUNCTION,
      folder: TEXT,
      clock: NONE,
    },
  ),
  './recorder#record': row(
    (options: NonNullable<Parameters<typeof record>[1]>) => record(session(), options),
    {},
    [],
    { folder: TEXT, keep: OBJECT, redact: OBJECT, functions: NONE, clock: NONE },
  ),
  './recorder#toFixture': row(
    (options: NonNullable<Parameters<typeof toFixture>[1]>) => toFixture(kept, options),
    {},
    [],
    { whole: FLAG, ...redact },
  ),
  './recorder#writeFixture': row(
    (options: NonNullable<Parameters<typeof writeFixture>[2]>) => writeFixture(devNull, kept, options),
    {},
    [],
    { whole: FLAG, ...redact },
  ),
  './recorder#toHar': row(
    (options: NonNullable<Parameters<typeof toHar>[1]>) => toHar([kept], options),
    {},
    [],
    redact,
  ),
  './transports/memory#memory': row(memory, {}, [], { frameBytes: NONE }),
  './transports/mqtt#mqtt': row(mqtt, { url: 'mqtt://broker' }, ['url'], {
    url: NONE,
    username: TEXT,
    password: TEXT,
    ca: TEXT,
    agent: NONE,
    cert: TEXT,
    key: TEXT,
    rejectUnauthorized: FLAG,
    protocolVersion: NUMBER,
    frameBytes: NONE,
    keepAliveSeconds: NUMBER,
    connectTimeoutMs: NUMBER,
    presence: FLAG,
    clock: NONE,
  }),
  './transports/iot#iot': row(iot, {}, [], {
    ...aws,
    endpoint: NONE,
    ca: TEXT,
    agent: NONE,
    frameBytes: NONE,
    keepAliveSeconds: NONE,
    connectTimeoutMs: NUMBER,
    presence: FLAG,
    clock: NONE,
  }),
  './transports/api-gateway#apiGateway': row(
    apiGateway,
    { endpoint: 'wss://abc.execute-api.eu-west-1.amazonaws.com/tether' },
    ['endpoint'],
    { ...aws, endpoint: NONE, ca: TEXT, agent: NONE, connectTimeoutMs: NUMBER, clock: NONE },
  ),
  './stores/memory#memoryStore': row(memoryStore, {}, [], { host: TEXT, clock: NONE }),
  './stores/s3#s3': row(s3, { bucket: 'bucket' }, ['bucket'], store),
  './stores/s3#s3LifecycleRule': row(s3LifecycleRule, { bucket: 'bucket' }, ['bucket'], store),
  './stores/s3#installS3LifecycleRule': row(
    installS3LifecycleRule,
    { bucket: 'bucket' },
    ['bucket'],
    store,
    [],
    { region: 'eu-west-1', credentials: loggedOut },
  ),
  './executors#inline': row(executors.inline, {}, [], { clock: NONE }),
  './executors#workerThreads': row(executors.workerThreads, {}, [], { ...pool, resourceLimits: OBJECT }),
  './executors#childProcesses': row(executors.childProcesses, {}, [], {
    ...pool,
    graceMs: NUMBER,
    python: TEXT,
  }),
  './sources/esbuild#esbuild': row(
    (options: EsbuildSourceOptions) => esbuild(options),
    { entry: './api.ts' },
    ['entry'],
    { ...built, entry: TEXT, exportName: TEXT },
    ['text'],
  ),
  './sources/esbuild#esbuildAll': row(
    (options: NonNullable<Parameters<typeof esbuildAll>[1]>) => esbuildAll({ api: './api.ts' }, options),
    {},
    [],
    built,
  ),
  './sources/file#file': row(
    (options: NonNullable<Parameters<typeof file>[1]>) => file('./api.py', options),
    {},
    [],
    { exportName: TEXT, taskRoot: NONE, polling: NUMBER },
  ),
  './sources/command#command': row(
    (options: NonNullable<Parameters<typeof command>[1]>) => command(['program'], options),
    {},
    [],
    { cwd: TEXT, handler: TEXT, watch: NONE, polling: NUMBER, secretPath: FLAG },
  ),
  './stub#createStub': row(
    stub.createStub as (options: stub.StubOptions) => stub.StubHandler,
    { ...stubOptions, transport },
    ['app', 'stage', 'key', 'transport'],
    {
      app: TEXT,
      stage: TEXT,
      session: TEXT,
      team: NONE,
      key: NONE,
      functionId: TEXT,
      transport: NONE,
      ackTimeoutMs: NUMBER,
      connectTimeoutMs: NUMBER,
      deadlineMarginMs: NUMBER,
      onNobody: NONE,
      onSessionLost: NONE,
      passthrough: FUNCTION,
      streaming: FLAG,
      liveUntil: NUMBER,
      env: OBJECT,
      clock: NONE,
    },
  ),
  './stub#stubKey': row(stub.stubKey, { ...names, key, functionId }, ['app', 'stage', 'key', 'functionId'], {
    app: TEXT,
    stage: TEXT,
    key: NONE,
    functionId: TEXT,
  }),
  './stub#stubEnvironment': row(
    stub.stubEnvironment,
    { ...names, key, functionId, endpoint },
    ['app', 'stage', 'key', 'functionId'],
    {
      app: TEXT,
      stage: TEXT,
      session: TEXT,
      team: NONE,
      key: NONE,
      functionId: TEXT,
      url: TEXT,
      username: NONE,
      password: NONE,
      endpoint: TEXT,
      frameBytes: NONE,
      ca: TEXT,
      cert: TEXT,
      certKey: TEXT,
      ackTimeoutMs: NUMBER,
      connectTimeoutMs: NUMBER,
      deadlineMarginMs: NUMBER,
      onNobody: NONE,
      onSessionLost: NONE,
      mode: NONE,
      liveUntil: NUMBER,
      streaming: FLAG,
      mirrorMaxBytes: NUMBER,
      execWrapper: TEXT,
    },
  ),
  './diagnose#diagnose': row(
    diagnose,
    { ...names, key, transport },
    ['app', 'stage', 'transport'],
    {
      ...aws,
      app: TEXT,
      stage: TEXT,
      name: TEXT,
      key: NONE,
      keys: NONE,
      transport: NONE,
      session: NONE,
      functionName: TEXT,
      functionId: TEXT,
      listenMs: NUMBER,
      checkTimeoutMs: NUMBER,
      onCheck: FUNCTION,
      lambdaEndpoint: NONE,
      iamEndpoint: NONE,
      stsEndpoint: NONE,
      clock: NONE,
      signal: NONE,
    },
    [],
    { signal: AbortSignal.abort() },
  ),
  './local#createLocalBroker': row(local.createLocalBroker, {}, [], {
    host: TEXT,
    port: NUMBER,
    tcpPort: NUMBER,
    region: TEXT,
    accountId: TEXT,
    identities: NONE,
    limits: OBJECT,
    clock: NONE,
  }),
  './local#createLambdaHost': row(local.createLambdaHost, {}, [], {
    region: TEXT,
    accountId: NONE,
    credentials: NONE,
    ...run,
    clock: NONE,
  }),
  './local#createLambdaHost function': row(
    (definition: local.FunctionDefinition) => local.createLambdaHost().function(definition),
    { name: 'one', bundle },
    ['name', 'bundle'],
    {
      name: NONE,
      bundle: TEXT,
      runtime: NONE,
      layers: NONE,
      handler: NONE,
      environment: OBJECT,
      timeoutMs: NUMBER,
      memoryMb: NONE,
      reservedConcurrency: NUMBER,
      nodePath: TEXT,
      pythonPath: TEXT,
      credentials: NONE,
      asynchronous: OBJECT,
    },
  ),
  './local#createLocalCloud': row(local.createLocalCloud, {}, [], {
    region: TEXT,
    accountId: NONE,
    host: TEXT,
    credentials: NONE,
    broker: OBJECT,
    lambda: OBJECT,
    s3: OBJECT,
    sqs: OBJECT,
    controlPlane: OBJECT,
    clock: NONE,
  }),
  './local#createLocalCloud functionUrl': row(
    (options: NonNullable<Parameters<local.LocalCloud['functionUrl']>[1]>) =>
      cloud.functionUrl({ name: 'api', ...urlTarget }, options),
    {},
    [],
    { invokeMode: NONE, port: NUMBER },
  ),
  './local#createLocalCloud httpApi': row(
    (options: NonNullable<Parameters<local.LocalCloud['httpApi']>[1]>) => cloud.httpApi(target, options),
    {},
    [],
    { port: NUMBER },
  ),
  './local#createLocalCloud publish': row(topic.publish, { message: 'news' }, ['message'], {
    message: TEXT,
    subject: TEXT,
    attributes: OBJECT,
  }),
  './local#createLocalCloud queue': row((options: local.LocalQueueOptions) => freshQueue(options), {}, [], {
    visibilityTimeoutMs: NUMBER,
    delayMs: NUMBER,
    retentionMs: NONE,
    receiveWaitMs: NUMBER,
    maximumMessageBytes: NONE,
    deadLetterQueue: NONE,
    maxReceiveCount: NONE,
  }),
  './local#createLocalCloud send': row(
    (options: local.QueueSendOptions) => queue.send('body', options),
    {},
    [],
    {
      attributes: OBJECT,
      delayMs: NUMBER,
    },
  ),
  './local#createLocalCloud receive': row((options: local.ReceiveOptions) => queue.receive(options), {}, [], {
    max: NUMBER,
    visibilityTimeoutMs: NUMBER,
    waitMs: NUMBER,
    signal: NONE,
  }),
  './local#createLocalCloud subscribe options': row(
    (options: local.EventSourceOptions) => freshQueue().subscribe(subscriber, options).close(),
    {},
    [],
    { batchSize: NUMBER, batchWindowMs: NUMBER, reportBatchItemFailures: FLAG, maximumConcurrency: NUMBER },
  ),
  './local#createLocalCloud notify': row(
    (options: local.NotificationOptions) => cloud.bucket(fresh('bucket')).notify(target, options),
    { events: ['s3:ObjectCreated:*'] },
    ['events'],
    { events: NONE, prefix: TEXT, suffix: TEXT },
  ),
  './local#events eventBridge': row(
    (options: local.EventBridgeOptions) => local.events.eventBridge(options),
    { source: 'shop', detailType: 'order', detail: {} },
    ['source', 'detailType', 'detail'],
    { source: TEXT, detailType: TEXT, detail: ANY_JSON, resources: NONE, ...origin },
  ),
  './local#events schedule': row(local.events.schedule, {}, [], { ruleName: TEXT, ...origin }),
  './local#events dynamodb': row(local.events.dynamodb, { records: [] }, ['records'], {
    tableName: TEXT,
    records: NONE,
    viewType: NONE,
    ...origin,
  }),
  './local#events kinesis': row(local.events.kinesis, { records: [] }, ['records'], {
    streamName: TEXT,
    records: NONE,
    ...origin,
  }),
  './local#events cognito': row(
    (options: local.CognitoOptions<'PreSignUp_SignUp'>) => local.events.cognito('PreSignUp_SignUp', options),
    {},
    [],
    {
      region: TEXT,
      userPoolId: TEXT,
      userName: TEXT,
      clientId: TEXT,
      userAttributes: OBJECT,
      request: OBJECT,
    },
  ),
  './local#functionUrl': row(local.functionUrl, { function: urlTarget }, ['function'], {
    function: NONE,
    invokeMode: NONE,
    host: TEXT,
    port: NUMBER,
    accountId: TEXT,
    clock: NONE,
  }),
  './local#httpApi': row(local.httpApi, { function: target }, ['function'], {
    function: NONE,
    host: TEXT,
    port: NUMBER,
    integrationTimeoutMs: NUMBER,
    accountId: TEXT,
    clock: NONE,
  }),
  './local#webSocketApi': row(local.webSocketApi, { routes: {} }, ['routes'], {
    routes: OBJECT,
    stage: NONE,
    apiId: NONE,
    identities: NONE,
    limits: OBJECT,
    host: TEXT,
    port: NUMBER,
    region: TEXT,
    accountId: TEXT,
    clock: NONE,
  }),
  './deploy#apiGatewayPolicy': row(deploy.apiGatewayPolicy, { apiId: 'abc' }, ['apiId'], {
    ...place,
    apiId: NONE,
    apiStage: NONE,
    post: FLAG,
  }),
  './deploy#iotPolicy': row(deploy.iotPolicy, { ...names, role: 'stub' }, ['app', 'stage', 'role'], {
    ...place,
    app: TEXT,
    stage: TEXT,
    role: NONE,
    session: TEXT,
    team: NONE,
  }),
  './deploy#debugStackTemplate': row(deploy.debugStackTemplate, { ...names, key }, ['app', 'stage', 'key'], {
    app: TEXT,
    stage: TEXT,
    key: NONE,
    tags: OBJECT,
    logRetentionDays: NUMBER,
  }),
  './deploy#debugStackName': row(deploy.debugStackName, names, ['app', 'stage'], { app: TEXT, stage: TEXT }),
  './deploy#compareTemplates': row(
    (options: deploy.CompareTemplatesOptions) => deploy.compareTemplates({}, {}, options),
    {},
    [],
    { stack: TEXT, live: NONE },
  ),
  './deploy#cdk': row(deploy.cdk, {}, [], {
    app: TEXT,
    cwd: TEXT,
    context: OBJECT,
    env: OBJECT,
    watch: NONE,
  }),
  './deploy#template': row(deploy.template, { path: 'template.json' }, ['path'], { path: TEXT, stack: TEXT }),
  './deploy#deployedBaseline': row(deploy.deployedBaseline, {}, [], {
    region: NONE,
    credentials: FUNCTION,
    cloudFormationEndpoint: NONE,
  }),
  './deploy#watchInfrastructure': row(
    deploy.watchInfrastructure,
    { synth: () => ({}), baseline: deploy.fileBaseline('baseline.json') },
    ['synth', 'baseline'],
    {
      synth: FUNCTION,
      baseline: NONE,
      deploy: FUNCTION,
      goLive: ['function', 'object'],
      ignore: NONE,
      live: NONE,
      debounceMs: NUMBER,
      watch: NONE,
      declined: TEXT,
      polling: NUMBER,
      clock: NONE,
    },
  ),
  './deploy#deployDebugStack': row(
    deploy.deployDebugStack,
    { ...names, key },
    ['app', 'stage', 'key'],
    { ...debugStack, key: NONE, tags: OBJECT, logRetentionDays: NUMBER },
    [],
    noStacks,
  ),
  './deploy#removeDebugStack': row(
    deploy.removeDebugStack,
    names,
    ['app', 'stage'],
    debugStack,
    [],
    noStacks,
  ),
  './deploy#plan': row(deploy.plan, going, ['functions', 'bundle', 'stub', 'snapshots'], live, [], nowhere),
  './deploy#goLive': row(
    deploy.goLive,
    going,
    ['functions', 'bundle', 'stub', 'snapshots'],
    live,
    [],
    nowhere,
  ),
  './deploy#restore': row(
    deploy.restore,
    { functions: ['one'], snapshots },
    ['functions', 'snapshots'],
    {
      ...account,
      functions: NONE,
    },
    [],
    nowhere,
  ),
  './deploy#restoreAll': row(
    deploy.restoreAll,
    { ...names, snapshots },
    ['app', 'stage', 'snapshots'],
    {
      ...account,
      app: TEXT,
      stage: TEXT,
    },
    [],
    nowhere,
  ),
  './deploy#s3Snapshots': row(deploy.s3Snapshots, { bucket: 'bucket' }, ['bucket'], bucket),
  './testing#faulty': row(
    (plan: testing.FaultPlan) => testing.faulty(transport, plan),
    { seed: 1 },
    ['seed'],
    {
      seed: ['number', 'text'],
      throttle: NONE,
      cut: NONE,
      drop: NONE,
      corrupt: NONE,
      duplicate: NONE,
      reorder: NONE,
      delayMs: NUMBER,
      clock: NONE,
      onFault: FUNCTION,
    },
  ),
  './testing#executorConformance': row(
    testing.executorConformance,
    { test: () => {}, factory: noFactory },
    ['test', 'factory'],
    { ...suite, without: NONE },
  ),
  './testing#transportConformance': row(
    testing.transportConformance,
    { test: () => {}, factory: noFactory },
    ['test', 'factory'],
    { ...suite, without: NONE },
  ),
  './testing#payloadStoreConformance': row(
    testing.payloadStoreConformance,
    { test: () => {}, factory: noFactory },
    ['test', 'factory'],
    suite,
  ),
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

type Named<O> = Readonly<Record<keyof Required<O>, readonly Sample[]>>

// The compiler sees to it that every option of the interface has its line.
function row<O extends object>(
  make: (options: O) => unknown,
  valid: NoInfer<O>,
  required: readonly (keyof NoInfer<O> & string)[],
  accepts: NoInfer<Named<O>>,
  insteadOfOptions: readonly Sample[] = [],
  effects: Partial<O> = {},
): OptionRow {
  return { make: make as (options: unknown) => unknown, valid, required, accepts, insteadOfOptions, effects }
}

function argument<A>(name: string, accepts: readonly Sample[], call: (value: A) => unknown): ArgumentRow {
  return { name, accepts, call: call as (value: unknown) => unknown }
}

function noFactory(): never {
  throw new Error('no test is run')
}
