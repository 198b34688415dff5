import type { RequestListener } from 'node:http'
import type { SigningIdentity } from '../../aws/credentials.js'
import type { Clock } from '../../core/base/clock.js'
import { cloudFormationApi } from '../cloud-formation/api.js'
import { RelayedApis } from '../cloud-formation/relayed-apis.js'
import type { FunctionDefinition } from '../lambda/function-definition.js'
import type { S3Bucket } from '../s3/bucket.js'
import type { Queues } from '../sqs/queues.js'
import { ControlPlaneGate, type ControlPlaneOptions } from './gate.js'
import { iamApi } from './iam.js'
import { IamRoles } from './iam-roles.js'
import { lambdaApi } from './lambda/api.js'
import type { FunctionHost } from './lambda/registry.js'
import type { AdoptedUrl } from './lambda/urls.js'
import { stsApi } from './sts.js'

/** The surroundings of the control plane's APIs. */
export interface ApiSurroundings {
  /** URL of Lambda's API. */
  readonly lambdaUrl: string
  readonly region: string
  readonly accountId: string
  readonly credentials: SigningIdentity
  readonly buckets: Map<string, S3Bucket>
  readonly queues: Queues
  readonly clock: Clock
  /** The address that all servers listen on. */
  readonly host: string
  /** Returns the host of the functions; called on every use. */
  functionHost(): FunctionHost
}

/** Lambda's own API, the related parts of IAM and STS, and CloudFormation's API. */
export interface ControlPlaneApis {
  readonly lambda: RequestListener
  readonly iam: RequestListener
  readonly sts: RequestListener
  readonly cloudFormation: RequestListener
  /** Registers a function of the host. */
  adopt(definition: FunctionDefinition): void
  /** Registers the URL of a function. */
  adoptUrl(url: AdoptedUrl): void
  /** Aborts operations in progress. */
  close(): Promise<void>
}

const UPDATE_MS = 100

export function controlPlaneApis(
  options: ControlPlaneOptions,
  surroundings: ApiSurroundings,
): ControlPlaneApis {
  const {
    lambdaUrl: url,
    credentials,
    buckets,
    queues,
    functionHost,
    region,
    accountId,
    clock,
    host,
  } = surroundings
  const shared = {
    region,
    accountId,
    clock,
    identities: [credentials, ...(options.identities ?? [])],
    gate: new ControlPlaneGate(options, clock),
  }
  const { updateMs = UPDATE_MS, failUpdate, staleReads = 0, deniedKeys = [] } = options
  const updates = { updateMs, failUpdate, staleReads, deniedKeys }
  const lambda = lambdaApi({ ...shared, ...updates, url, buckets, functionHost })
  const { functions, registry } = lambda
  const roles = { roles: new IamRoles(accountId, region, clock, () => lambda.roles()), policies: new Map() }
  const relayedApis = new RelayedApis({
    host,
    region,
    accountId,
    credentials,
    clock,
    functionHost,
    function(definition) {
      const made = functionHost().function(definition)
      lambda.adopt(definition)
      return made
    },
  })
  const cloudFormation = cloudFormationApi({
    ...shared,
    cloud: { region, accountId, clock, buckets, queues, roles, functions, registry, relayedApis, updateMs },
    failResource: (resource) => options.failResource?.(resource),
  })
  return {
    lambda: lambda.listener,
    iam: iamApi({ ...shared, roles }),
    sts: stsApi(shared),
    cloudFormation: cloudFormation.listener,
    adopt: (definition) => lambda.adopt(definition),
    adoptUrl: (url) => lambda.adoptUrl(url),
    async close() {
      await cloudFormation.close()
      lambda.close()
    },
  }
}
