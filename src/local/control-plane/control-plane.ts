import type { SigningIdentity } from '../../aws/credentials.js'
import type { Clock } from '../../core/base/clock.js'
import type { FunctionDefinition } from '../lambda/function-definition.js'
import type { S3Bucket } from '../s3/bucket.js'
import { ControlPlaneGate, type ControlPlaneOptions } from './gate.js'
import { iamApi } from './iam.js'
import { lambdaApi } from './lambda/api.js'
import type { FunctionHost } from './lambda/registry.js'

/** What the control plane is part of. */
export interface ControlPlaneSurroundings {
  readonly host: string
  readonly region: string
  readonly accountId: string
  readonly credentials: SigningIdentity
  readonly buckets: ReadonlyMap<string, S3Bucket>
  readonly clock: Clock
  /** What runs the functions; asked for at each use. */
  functionHost(): FunctionHost
}

/** Lambda's own API and the part of IAM that goes with it, listening. */
export interface ControlPlane {
  readonly lambdaUrl: string
  readonly iamUrl: string
  /** Makes a function known that the host was given. */
  adopt(definition: FunctionDefinition): void
  /** Ends every connection, and forgets what is under way. */
  close(): Promise<void>
}

const UPDATE_MS = 100

/** Starts the control plane on free ports. */
export async function openControlPlane(
  options: ControlPlaneOptions,
  { credentials, accountId, buckets, functionHost, ...surroundings }: ControlPlaneSurroundings,
): Promise<ControlPlane> {
  const shared = {
    ...surroundings,
    identities: [credentials, ...(options.identities ?? [])],
    gate: new ControlPlaneGate(options, surroundings.clock),
  }
  const updateMs = options.updateMs ?? UPDATE_MS
  const lambda = await lambdaApi({
    ...shared,
    accountId,
    updateMs,
    failUpdate: options.failUpdate,
    staleReads: options.staleReads ?? 0,
    deniedKeys: options.deniedKeys ?? [],
    buckets,
    functionHost,
  })
  const iam = await iamApi({ ...shared, accountId, roles: () => lambda.roles() })
  return {
    lambdaUrl: lambda.url,
    iamUrl: iam.url,
    adopt: (definition) => lambda.adopt(definition),
    close: async () => {
      await Promise.all([lambda.close(), iam.close()])
    },
  }
}
