import type { CompleteDefinition, LocalCredentials } from './function-definition.js'
import type { TaskRoot } from './task-root.js'

/** The host's part of a function's environment. */
export interface PlatformFacts {
  readonly region: string
  readonly credentials: LocalCredentials
  readonly version: string
  readonly taskRoot: TaskRoot
  readonly runtimeDir: string
  readonly runtimeApi: string
  readonly logStreamName: string
  /** Variables of the local cloud itself, such as the addresses of its services; not counted in the 4 KB. */
  readonly extra: Readonly<Record<string, string>>
}

/** Returns the whole environment of a function's process, as Lambda sets it; only `PATH` comes from this machine. */
export function lambdaEnvironment(
  definition: CompleteDefinition,
  facts: PlatformFacts,
): Record<string, string> {
  const credentials = definition.credentials ?? facts.credentials
  const { layersPath } = facts.taskRoot
  const variables = {
    PATH: process.env.PATH ?? '',
    // Node needs it on Windows; Lambda has no rule for it.
    ...(process.env.SYSTEMROOT === undefined ? {} : { SYSTEMROOT: process.env.SYSTEMROOT }),
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    ...(layersPath === undefined ? {} : layerVariables(definition, facts.taskRoot.path)),
    ...facts.extra,
    ...definition.environment,
    _HANDLER: definition.handler,
    AWS_REGION: facts.region,
    AWS_DEFAULT_REGION: facts.region,
    AWS_EXECUTION_ENV: `AWS_Lambda_${definition.runtime}`,
    AWS_LAMBDA_FUNCTION_NAME: definition.name,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(definition.memoryMb),
    AWS_LAMBDA_FUNCTION_VERSION: facts.version,
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${definition.name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: facts.logStreamName,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    ...(credentials.sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: credentials.sessionToken }),
    AWS_LAMBDA_RUNTIME_API: facts.runtimeApi,
    LAMBDA_TASK_ROOT: facts.taskRoot.path,
    LAMBDA_RUNTIME_DIR: facts.runtimeDir,
  }
  return layersPath === undefined ? variables : withLayers(variables, layersPath)
}

/** Search paths of Lambda's runtimes for the content of layers. */
function layerVariables({ runtime }: CompleteDefinition, taskRoot: string): Record<string, string> {
  // https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html
  const path = { PATH: `/opt/bin:${process.env.PATH ?? ''}`, LD_LIBRARY_PATH: '/opt/lib' }
  const [, language = '', number = ''] = /^(nodejs|python)([\d.]+?)(?:\.x)?$/.exec(runtime) ?? []
  return language === 'python'
    ? { ...path, PYTHONPATH: `/opt/python/lib/python${number}/site-packages:/opt/python` }
    : { ...path, NODE_PATH: `/opt/nodejs/node${number}/node_modules:/opt/nodejs/node_modules:${taskRoot}` }
}

/** This process cannot create `/opt`, so paths below it are rewritten to the folder of the layers. */
function withLayers(variables: Readonly<Record<string, string>>, layersPath: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [
      name,
      value.replace(/(^|:)\/opt(?=\/|:|$)/g, `$1${layersPath}`),
    ]),
  )
}
