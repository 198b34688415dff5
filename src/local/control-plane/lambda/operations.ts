import type { IncomingHttpHeaders } from 'node:http'
import { TetherError } from '../../../core/base/errors.js'
import { parseJson } from '../../../core/base/json.js'
import { ControlPlaneError } from '../errors.js'
import { checkLayers } from './checks.js'
import type { FunctionOperations } from './functions.js'
import { type InvokeReply, invokeFunction, invokeWithResponseStream } from './invoke/invoke.js'
import type { LambdaLayers, LayerVersion } from './layers.js'
import type { FunctionHost, FunctionRegistry } from './registry.js'
import type { LambdaRoute } from './routes.js'
import { listTags, tagFunction, untagFunction } from './tags.js'
import { getUrl, listUrls } from './urls.js'
import { createAlias, listAliases, listVersions, provision, publishVersion } from './versions.js'

/** A call with a verified signature. */
export interface LambdaRequest extends LambdaRoute {
  /** Includes repeated names, such as `tagKeys`. */
  readonly query: readonly (readonly [name: string, value: string])[]
  readonly headers: IncomingHttpHeaders
  readonly body: Uint8Array
}

/** The parts of the control plane that calls work on. */
export interface LambdaParts {
  readonly functions: FunctionOperations
  readonly registry: FunctionRegistry
  readonly layers: LambdaLayers
  host(): FunctionHost
  /** Returns a URL that serves these bytes for ten minutes. */
  link(zip: Uint8Array): string
}

/** An answer: JSON, or an invocation's. */
export type LambdaReply = { readonly status: number; readonly json?: object } | InvokeReply

/** Carries out a call, as Lambda does. @throws ControlPlaneError */
export async function answerLambda(request: LambdaRequest, parts: LambdaParts): Promise<LambdaReply> {
  const { operation, params, headers, body } = request
  const { functions, registry, layers } = parts
  const query = new Map(request.query)
  const { FunctionName = '', Resource = '', LayerName = '', VersionNumber = '' } = params
  const found = () => registry.find(FunctionName, query.get('Qualifier'))
  const tagged = () => registry.find(Resource)
  // Its members are checked where they are used.
  // biome-ignore lint/suspicious/noExplicitAny: JSON from outside
  const input = (): any => (body.byteLength === 0 ? {} : parseBody(body))
  switch (operation) {
    case 'CreateFunction':
      return { status: 201, json: functions.create(input()) }
    case 'ListFunctions':
      return ok(functions.list(query))
    case 'GetFunction':
      return ok(functions.get(found()))
    case 'GetFunctionConfiguration':
      return ok(functions.configuration(found()))
    case 'UpdateFunctionConfiguration':
      return ok(functions.updateConfiguration(found(), input()))
    case 'UpdateFunctionCode':
      return ok(functions.updateCode(found(), input()))
    case 'DeleteFunction':
      await registry.delete(found())
      return { status: 204 }
    case 'Invoke':
      return invokeFunction({ found: found(), host: parts.host(), headers, event: body })
    case 'InvokeWithResponseStream':
      return invokeWithResponseStream({ found: found(), host: parts.host(), headers, event: body })
    case 'PublishVersion':
      return { status: 201, json: publishVersion(found(), input(), parts) }
    case 'ListVersionsByFunction':
      return ok(listVersions(found(), query))
    case 'CreateAlias':
      return { status: 201, json: createAlias(found(), input(), parts) }
    case 'ListAliases':
      return ok(listAliases(found(), query))
    case 'GetFunctionUrlConfig':
      return ok(getUrl(found().fn))
    case 'ListFunctionUrlConfigs':
      return ok(listUrls(found().fn, query))
    case 'PutFunctionConcurrency':
      return ok(functions.setConcurrency(found(), input().ReservedConcurrentExecutions))
    case 'DeleteFunctionConcurrency':
      functions.setConcurrency(found(), undefined)
      return { status: 204 }
    case 'GetFunctionConcurrency':
      return ok({ ReservedConcurrentExecutions: found().fn.reservedConcurrency })
    case 'PutProvisionedConcurrencyConfig':
      return { status: 202, json: provision(found(), query.get('Qualifier'), input()) }
    case 'ListProvisionedConcurrencyConfigs':
      return ok({ ProvisionedConcurrencyConfigs: [...found().fn.provisioned.values()] })
    case 'ListTags':
      return ok(listTags(tagged()))
    case 'TagResource':
      tagFunction(tagged(), input().Tags ?? {})
      return { status: 204 }
    case 'UntagResource': {
      const keys = request.query.filter(([name]) => name === 'tagKeys').map(([, value]) => value)
      untagFunction(tagged(), keys)
      return { status: 204 }
    }
    case 'ListLayers':
      // Two calls share this path.
      return query.get('find') === 'LayerVersion'
        ? ok(described(layers.byArn(query.get('Arn') ?? ''), parts))
        : ok(layers.list(query))
    case 'PublishLayerVersion': {
      const { Content = {}, ...rest } = input()
      const zip = functions.code(Content)
      checkLayers([{ arn: LayerName, zip }])
      return { status: 201, json: described(layers.publish(LayerName, rest, zip), parts) }
    }
    case 'ListLayerVersions':
      return ok(layers.versions(LayerName, query))
    case 'GetLayerVersion':
      return ok(described(layers.get(LayerName, VersionNumber), parts))
    case 'DeleteLayerVersion':
      layers.delete(LayerName, VersionNumber)
      return { status: 204 }
  }
}

function parseBody(body: Uint8Array): unknown {
  try {
    return parseJson('it', Buffer.from(body).toString('utf8'))
  } catch (error) {
    const why = error instanceof TetherError ? `: ${error.message}` : '.'
    throw new ControlPlaneError(
      'InvalidRequestContentException',
      `Could not parse request body into json${why}`,
    )
  }
}

function ok(json: object): LambdaReply {
  return { status: 200, json }
}

function described({ layerArn, description, zip }: LayerVersion, { link }: LambdaParts): object {
  const Content = { Location: link(zip.zip), CodeSha256: zip.sha256, CodeSize: zip.zip.byteLength }
  return { LayerArn: layerArn, ...description, Content }
}
