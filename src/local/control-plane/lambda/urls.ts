import type {
  FunctionUrlConfig,
  GetFunctionUrlConfigResponse,
  ListFunctionUrlConfigsResponse,
} from '@aws-sdk/client-lambda'
import { ControlPlaneError } from '../errors.js'
import type { ManagedFunction } from './function.js'
import { pageOf } from './page.js'

/** A function's listening URL. */
export interface AdoptedUrl {
  readonly functionName: string
  readonly url: string
  readonly invokeMode: NonNullable<FunctionUrlConfig['InvokeMode']>
  /** Unix milliseconds. */
  readonly madeAt: number
}

/** Returns the configuration of a URL; here, every URL belongs to `$LATEST`. */
export function urlConfig({ url, invokeMode, madeAt }: AdoptedUrl, functionArn: string): FunctionUrlConfig {
  const time = new Date(madeAt).toISOString()
  return {
    FunctionArn: functionArn,
    FunctionUrl: `${url}/`,
    AuthType: 'NONE',
    InvokeMode: invokeMode,
    CreationTime: time,
    LastModifiedTime: time,
  }
}

/** Returns a function's URL. @throws ControlPlaneError `ResourceNotFoundException` */
export function getUrl(fn: ManagedFunction): GetFunctionUrlConfigResponse {
  const config = fn.urls.at(-1)
  if (config !== undefined) return config
  throw new ControlPlaneError('ResourceNotFoundException', 'The resource you requested does not exist.')
}

/** Lists a function's URLs. */
export function listUrls(
  fn: ManagedFunction,
  query: ReadonlyMap<string, string>,
): ListFunctionUrlConfigsResponse {
  const { items, ...next } = pageOf(fn.urls, query)
  return { FunctionUrlConfigs: items, ...next }
}
