// Routes from the service's own model. Braces in a path hold one part, percent-encoded.
const ROUTES = {
  CreateFunction: 'POST /2015-03-31/functions',
  ListFunctions: 'GET /2015-03-31/functions',
  GetFunction: 'GET /2015-03-31/functions/{FunctionName}',
  DeleteFunction: 'DELETE /2015-03-31/functions/{FunctionName}',
  GetFunctionConfiguration: 'GET /2015-03-31/functions/{FunctionName}/configuration',
  UpdateFunctionConfiguration: 'PUT /2015-03-31/functions/{FunctionName}/configuration',
  UpdateFunctionCode: 'PUT /2015-03-31/functions/{FunctionName}/code',
  Invoke: 'POST /2015-03-31/functions/{FunctionName}/invocations',
  InvokeWithResponseStream: 'POST /2021-11-15/functions/{FunctionName}/response-streaming-invocations',
  PublishVersion: 'POST /2015-03-31/functions/{FunctionName}/versions',
  ListVersionsByFunction: 'GET /2015-03-31/functions/{FunctionName}/versions',
  CreateAlias: 'POST /2015-03-31/functions/{FunctionName}/aliases',
  ListAliases: 'GET /2015-03-31/functions/{FunctionName}/aliases',
  GetFunctionUrlConfig: 'GET /2021-10-31/functions/{FunctionName}/url',
  ListFunctionUrlConfigs: 'GET /2021-10-31/functions/{FunctionName}/urls',
  PutFunctionConcurrency: 'PUT /2017-10-31/functions/{FunctionName}/concurrency',
  DeleteFunctionConcurrency: 'DELETE /2017-10-31/functions/{FunctionName}/concurrency',
  GetFunctionConcurrency: 'GET /2019-09-30/functions/{FunctionName}/concurrency',
  PutProvisionedConcurrencyConfig: 'PUT /2019-09-30/functions/{FunctionName}/provisioned-concurrency',
  ListProvisionedConcurrencyConfigs: 'GET /2019-09-30/functions/{FunctionName}/provisioned-concurrency',
  ListTags: 'GET /2017-03-31/tags/{Resource}',
  TagResource: 'POST /2017-03-31/tags/{Resource}',
  UntagResource: 'DELETE /2017-03-31/tags/{Resource}',
  ListLayers: 'GET /2018-10-31/layers',
  PublishLayerVersion: 'POST /2018-10-31/layers/{LayerName}/versions',
  ListLayerVersions: 'GET /2018-10-31/layers/{LayerName}/versions',
  GetLayerVersion: 'GET /2018-10-31/layers/{LayerName}/versions/{VersionNumber}',
  DeleteLayerVersion: 'DELETE /2018-10-31/layers/{LayerName}/versions/{VersionNumber}',
} as const satisfies Readonly<Record<string, string>>

/** The calls of the Lambda API that the local cloud serves. */
export type LambdaOperation = keyof typeof ROUTES

/** The call of a request, with the parameters in its path. */
export interface LambdaRoute {
  readonly operation: LambdaOperation
  readonly params: Readonly<Record<string, string>>
}

/** Finds the call of a request; undefined if the local cloud does not serve it. @param path without the query */
export function lambdaRoute(method: string, path: string): LambdaRoute | undefined {
  const parts = path.replace(/\/$/, '').split('/')
  for (const [operation, route] of Object.entries(ROUTES)) {
    const [routeMethod = '', routePath = ''] = route.split(' ')
    const routeParts = routePath.split('/')
    if (routeMethod !== method || routeParts.length !== parts.length) continue
    const params: Record<string, string> = {}
    const fits = routeParts.every((routePart, index) => {
      const part = parts[index] ?? ''
      if (!routePart.startsWith('{')) return routePart === part
      params[routePart.slice(1, -1)] = decode(part)
      return part !== ''
    })
    if (fits) return { operation: operation as LambdaOperation, params }
  }
  return undefined
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
