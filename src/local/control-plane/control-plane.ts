import { listen, loadedLater } from '../../network/listener.js'
import type { FunctionDefinition } from '../lambda/function-definition.js'
import type { ApiSurroundings, ControlPlaneApis } from './apis.js'
import type { ControlPlaneOptions } from './gate.js'
import type { AdoptedUrl } from './lambda/urls.js'

/** The surroundings of the control plane. */
export type ControlPlaneSurroundings = Omit<ApiSurroundings, 'lambdaUrl'>

/** The listening APIs: Lambda's own, the related parts of IAM and STS, and CloudFormation's. */
export interface ControlPlane {
  readonly lambdaUrl: string
  readonly iamUrl: string
  readonly stsUrl: string
  readonly cloudFormationUrl: string
  /** Registers a function of the host. */
  adopt(definition: FunctionDefinition): void
  /** Registers the URL of a function. */
  adoptUrl(url: AdoptedUrl): void
  /** Ends every connection, and aborts operations in progress. */
  close(): Promise<void>
}

/** Listens on free ports. The code of the APIs is loaded with the first request. */
export async function openControlPlane(
  options: ControlPlaneOptions,
  surroundings: ControlPlaneSurroundings,
): Promise<ControlPlane> {
  let loading: Promise<ControlPlaneApis> | undefined
  let apis: ControlPlaneApis | undefined
  /** Registrations before the first request. */
  const early: ((apis: ControlPlaneApis) => void)[] = []
  const load = async () => {
    const { controlPlaneApis } = await import('./apis.js')
    apis = controlPlaneApis(options, { ...surroundings, lambdaUrl: lambda.url })
    for (const make of early) make(apis)
    return apis
  }
  const loaded = () => {
    loading ??= load()
    return loading
  }
  const known = (make: (apis: ControlPlaneApis) => void) => {
    if (apis === undefined) early.push(make)
    else make(apis)
  }
  const open = (name: 'lambda' | 'iam' | 'sts' | 'cloudFormation') =>
    listen(
      loadedLater(async () => (await loaded())[name]),
      surroundings.host,
      0,
    )
  const lambda = await open('lambda')
  const iam = await open('iam')
  const sts = await open('sts')
  const cloudFormation = await open('cloudFormation')
  return {
    lambdaUrl: lambda.url,
    iamUrl: iam.url,
    stsUrl: sts.url,
    cloudFormationUrl: cloudFormation.url,
    adopt: (definition) => known((loaded) => loaded.adopt(definition)),
    adoptUrl: (url) => known((loaded) => loaded.adoptUrl(url)),
    close: async () => {
      await Promise.all([lambda.close(), iam.close(), sts.close(), cloudFormation.close()])
      await loading?.catch(() => {})
      await apis?.close()
    },
  }
}
