import { listen, loadedLater } from '../../network/listener.js'
import type { FunctionDefinition } from '../lambda/function-definition.js'
import type { ApiSurroundings, ControlPlaneApis } from './apis.js'
import type { ControlPlaneOptions } from './gate.js'
import type { AdoptedUrl } from './lambda/urls.js'

/** What the control plane is part of. */
export type ControlPlaneSurroundings = Omit<ApiSurroundings, 'lambdaUrl'>

/** Lambda's own API, the parts of IAM and STS that go with it, and CloudFormation's, listening. */
export interface ControlPlane {
  readonly lambdaUrl: string
  readonly iamUrl: string
  readonly stsUrl: string
  readonly cloudFormationUrl: string
  /** Makes a function known that the host was given. */
  adopt(definition: FunctionDefinition): void
  /** Makes known that a function has a URL. */
  adoptUrl(url: AdoptedUrl): void
  /** Ends every connection, and forgets what is under way. */
  close(): Promise<void>
}

/** Listens on free ports. What answers there is loaded with the first request. */
export async function openControlPlane(
  options: ControlPlaneOptions,
  surroundings: ControlPlaneSurroundings,
): Promise<ControlPlane> {
  let loading: Promise<ControlPlaneApis> | undefined
  let apis: ControlPlaneApis | undefined
  /** What came before the first request. */
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
