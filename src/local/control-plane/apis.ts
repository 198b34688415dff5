import type { RequestListener } from 'node:http'
import type { SigningIdentity } from '../../aws/credentials.js'
import type { Clock } from '../../core/base/clock.js'
import type { FunctionDefinition } from '../lambda/function-definition.js'
import type { S3Bucket } from '../s3/bucket.js'
import { ControlPlaneGate, type ControlPlaneOptions } from './gate.js'
import { iamApi } from './iam.js'
import { lambdaApi } from './lambda/api.js'
import type { FunctionHost } from './lambda/registry.js'
import type { AdoptedUrl } from './lambda/urls.js'
import { stsApi } from './sts.js'

/** What the control plane's APIs are part of. */
export interface ApiSurroundings {
  /** Where Lambda's API listens. */
  readonly lambdaUrl: string
  readonly region: string
  readonly accountId: string
  readonly credentials: SigningIdentity
  readonly buckets: ReadonlyMap<string, S3Bucket>
  readonly clock: Clock
  /** What runs the functions; asked for at each use. */
  functionHost(): FunctionHost
}

/** Lambda's own API and the parts of IAM and STS that go with it. */
export interface ControlPlaneApis {
  readonly lambda: RequestListener
  readonly iam: RequestListener
  readonly sts: RequestListener
  /** Makes a function known that the host was given. */
  adopt(definition: FunctionDefinition): void
  /** Makes known that a function has a URL. */
  adoptUrl(url: AdoptedUrl): void
  /** Forgets what is under way. */
  close(): void
}

const UPDATE_MS = 100

export function controlPlaneApis(
  options: ControlPlaneOptions,
  { lambdaUrl: url, credentials, buckets, functionHost, ...surroundings }: ApiSurroundings,
): ControlPlaneApis {
  const shared = {
    ...surroundings,
    identities: [credentials, ...(options.identities ?? [])],
    gate: new ControlPlaneGate(options, surroundings.clock),
  }
  const { updateMs = UPDATE_MS, failUpdate, staleReads = 0, deniedKeys = [] } = options
  const updates = { updateMs, failUpdate, staleReads, deniedKeys }
  const lambda = lambdaApi({ ...shared, ...updates, url, buckets, functionHost })
  return {
    lambda: lambda.listener,
    iam: iamApi({ ...shared, roles: () => lambda.roles() }),
    sts: stsApi(shared),
    adopt: (definition) => lambda.adopt(definition),
    adoptUrl: (url) => lambda.adoptUrl(url),
    close: () => lambda.close(),
  }
}
