import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GetRolePolicyCommand, IAMClient, ListRolePoliciesCommand } from '@aws-sdk/client-iam'
import {
  CreateFunctionCommand,
  type CreateFunctionCommandInput,
  type FunctionConfiguration,
  GetFunctionCommand,
  InvokeCommand,
  LambdaClient,
  ListLayerVersionsCommand,
  waitUntilFunctionActiveV2,
} from '@aws-sdk/client-lambda'
import { fileSnapshots, type LiveOptions } from '../../src/deploy/index.js'
import { layerPrefixOf, policyNameOf } from '../../src/deploy/names.js'
import { zip } from '../../src/deploy/zip/zip.js'
import { generateKey } from '../../src/index.js'
import { createLocalCloud, type LocalCloud, type LocalCloudOptions } from '../../src/local/index.js'

type Call = Parameters<NonNullable<NonNullable<LocalCloudOptions['controlPlane']>['onCall']>>[0]

/** An account with functions in it, in the local cloud, as the real AWS clients see it. */
export interface LiveAccount extends AsyncDisposable {
  readonly cloud: LocalCloud
  readonly lambda: LambdaClient
  readonly folder: string
  /** Operations that changed something, in their order. */
  readonly changes: string[]
  /** Asked at each call to the control plane, before and after it. */
  onCall: (call: Call) => unknown
  /** Everything of `LiveOptions` but what a test is about. */
  options(more: Partial<LiveOptions> & Pick<LiveOptions, 'functions'>): LiveOptions
  create(name: string, input?: Partial<CreateFunctionCommandInput>): Promise<void>
  /** What Lambda tells of a function that does not change by itself. */
  state(name: string): Promise<FunctionState>
  invoke(name: string, event?: unknown): Promise<unknown>
  layers(bundle: string): Promise<number>
  policy(name: string): Promise<unknown>
  /** The names of the inline policies of its role. */
  policies(name: string): Promise<readonly string[]>
}

export interface FunctionState {
  readonly configuration: FunctionConfiguration
  readonly tags: Readonly<Record<string, string>>
}

export const APP = { app: 'live app', stage: 'dev' }
const ROLE = 'arn:aws:iam::123456789012:role/'
// They change with every update, whatever it is.
const TRANSIENT = ['RevisionId', 'LastModified']

export const ESM = zip({
  'index.mjs': Buffer.from(`export const handler = async (event) => ({ cloud: 'esm', event })\n`),
})
export const CJS = zip({
  'index.js': Buffer.from(
    `exports.handler = (event, context, callback) => callback(null, { cloud: 'cjs', event })\n`,
  ),
})
export const PYTHON = zip({
  'app.py': Buffer.from(`def handler(event, context):\n    return {'cloud': 'python', 'event': event}\n`),
})

export async function liveAccount(options: LocalCloudOptions = {}): Promise<LiveAccount> {
  const folder = await mkdtemp(join(tmpdir(), 'lambda-tether-live-'))
  const changes: string[] = []
  const account = { onCall: (_call: Call): unknown => undefined }
  const cloud = createLocalCloud({
    ...options,
    controlPlane: {
      updateMs: 20,
      ...options.controlPlane,
      onCall: async (call) => {
        if (call.stage === 'after' && call.changes) changes.push(call.operation)
        return (await account.onCall(call)) as undefined
      },
    },
  })
  await cloud.open()
  const { region, credentials, lambdaEndpoint, iamEndpoint } = cloud
  const lambda = new LambdaClient({ region, credentials, endpoint: lambdaEndpoint })
  const iam = new IAMClient({ region, credentials, endpoint: iamEndpoint })
  const key = generateKey()

  async function create(name: string, input: Partial<CreateFunctionCommandInput> = {}): Promise<void> {
    const { Code = { ZipFile: ESM }, ...rest } = input
    await lambda.send(
      new CreateFunctionCommand({
        FunctionName: name,
        Role: `${ROLE}${name}-role`,
        Runtime: 'nodejs22.x',
        Handler: 'index.handler',
        Code,
        ...rest,
      }),
    )
    await waitUntilFunctionActiveV2({ client: lambda, maxWaitTime: 10, minDelay: 0.02 } as never, {
      FunctionName: name,
    })
  }

  return Object.assign(account, {
    cloud,
    lambda,
    folder,
    changes,
    create,
    options: (more: Partial<LiveOptions> & Pick<LiveOptions, 'functions'>): LiveOptions => ({
      region,
      credentials,
      lambdaEndpoint,
      iamEndpoint,
      snapshots: fileSnapshots(join(folder, 'snapshots')),
      bundle: 'iot',
      stub: { ...APP, key, endpoint: cloud.iotEndpoint, ackTimeoutMs: 300 },
      ...more,
    }),
    async state(name: string) {
      const { Configuration = {}, Tags = {} } = await lambda.send(
        new GetFunctionCommand({ FunctionName: name }),
      )
      const lasting = Object.entries(Configuration).filter(([key]) => !TRANSIENT.includes(key))
      return { configuration: Object.fromEntries(lasting), tags: Tags }
    },
    async invoke(name: string, event: unknown = {}) {
      const { Payload, FunctionError } = await lambda.send(
        new InvokeCommand({ FunctionName: name, Payload: Buffer.from(JSON.stringify(event)) }),
      )
      const answer: unknown = JSON.parse(Buffer.from(Payload ?? []).toString() || 'null')
      return FunctionError === undefined ? answer : { FunctionError, ...(answer as object) }
    },
    async layers(bundle: string) {
      const command = new ListLayerVersionsCommand({ LayerName: layerPrefixOf(APP) + bundle })
      return (await lambda.send(command)).LayerVersions?.length ?? 0
    },
    async policy(name: string) {
      const command = new GetRolePolicyCommand({ RoleName: `${name}-role`, PolicyName: policyNameOf(APP) })
      const found = await iam.send(command).catch((error: Error) => {
        if (error.name.startsWith('NoSuchEntity')) return undefined
        throw error
      })
      return found && JSON.parse(decodeURIComponent(found.PolicyDocument ?? ''))
    },
    async policies(name: string) {
      const { PolicyNames = [] } = await iam.send(new ListRolePoliciesCommand({ RoleName: `${name}-role` }))
      return PolicyNames
    },
    async [Symbol.asyncDispose]() {
      lambda.destroy()
      iam.destroy()
      await cloud.close()
      await rm(folder, { recursive: true, force: true })
    },
  })
}
