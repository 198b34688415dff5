import type { FunctionConfiguration } from '@aws-sdk/client-lambda'
import type { FunctionDefinition } from '../../lambda/function-definition.js'
import type { ConfigurationInput } from './checks.js'
import type { LayerVersion } from './layers.js'

/**
 * Returns a request's changes to a configuration. Lists and variables are replaced as a whole; empty ones are removed.
 */
export function configurationChanges(
  input: ConfigurationInput,
  layers: readonly LayerVersion[] | undefined,
): FunctionConfiguration {
  const { Runtime, Role, Handler, Description, Timeout, MemorySize, KMSKeyArn, Architectures } = input
  const { Environment, VpcConfig, SnapStart, TracingConfig, DeadLetterConfig } = input
  const { FileSystemConfigs, ImageConfig, EphemeralStorage, LoggingConfig } = input
  const hasVariables = Object.keys(Environment?.Variables ?? {}).length > 0
  const changes: FunctionConfiguration = {
    Runtime,
    Role,
    Handler,
    Description,
    Timeout,
    MemorySize,
    KMSKeyArn,
    Architectures,
    DeadLetterConfig,
    FileSystemConfigs,
    EphemeralStorage,
    LoggingConfig,
    TracingConfig,
    SnapStart: SnapStart && { ...SnapStart, OptimizationStatus: 'Off' },
    VpcConfig: VpcConfig && { ...VpcConfig, VpcId: VpcConfig.SubnetIds?.length ? 'vpc-0local' : '' },
    ImageConfigResponse: ImageConfig && { ImageConfig },
  }
  const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined))
  return {
    ...given,
    ...(Environment === undefined ? {} : { Environment: hasVariables ? Environment : undefined }),
    ...(layers === undefined ? {} : { Layers: layers.length > 0 ? layers.map(layerOf) : undefined }),
  }
}

/** Returns Lambda's defaults for a new function. */
export function defaultConfiguration(name: string, arn: string): FunctionConfiguration {
  return {
    FunctionName: name,
    FunctionArn: arn,
    Description: '',
    Timeout: 3,
    MemorySize: 128,
    Version: '$LATEST',
    TracingConfig: { Mode: 'PassThrough' },
    PackageType: 'Zip',
    Architectures: ['x86_64'],
    EphemeralStorage: { Size: 512 },
    SnapStart: { ApplyOn: 'None', OptimizationStatus: 'Off' },
    LoggingConfig: { LogFormat: 'Text', LogGroup: `/aws/lambda/${name}` },
    State: 'Active',
    LastUpdateStatus: 'Successful',
  }
}

/** Describes a function of the host as Lambda would. */
export function configurationOf(
  definition: FunctionDefinition,
  arn: string,
  accountId: string,
): FunctionConfiguration {
  const { name, handler = 'index.handler', timeoutMs = 3000, memoryMb = 128, environment } = definition
  return {
    ...defaultConfiguration(name, arn),
    Runtime: (definition.runtime ?? `nodejs${process.versions.node.split('.')[0]}.x`) as NonNullable<
      FunctionConfiguration['Runtime']
    >,
    Role: `arn:${arn.split(':')[1]}:iam::${accountId}:role/${name}-role`,
    Handler: handler,
    Timeout: Math.ceil(timeoutMs / 1000),
    MemorySize: memoryMb,
    ...(Object.keys(environment ?? {}).length === 0
      ? {}
      : { Environment: { Variables: { ...environment } } }),
  }
}

/** Returns the host's definition for a configuration. */
export function definitionOf(
  configuration: FunctionConfiguration,
  where: {
    readonly bundle: string
    readonly layers: readonly string[]
    readonly concurrency: number | undefined
  },
  origin?: FunctionDefinition,
): FunctionDefinition {
  const {
    FunctionName = '',
    Runtime = '',
    Handler = '',
    Timeout = 3,
    MemorySize,
    Environment,
  } = configuration
  // Lambda counts whole seconds, the local host milliseconds: an unchanged time-out stays exact.
  const originMs = origin?.timeoutMs ?? 0
  const { reservedConcurrency: _, ...rest } = origin ?? {}
  const concurrency = where.concurrency ?? origin?.reservedConcurrency
  return {
    ...rest,
    name: FunctionName,
    bundle: where.bundle,
    // The host's own layer folders have no ARN: they stay below the control plane's layers, and its API does not list
    // them.
    layers: [...(origin?.layers ?? []), ...where.layers],
    runtime: Runtime,
    handler: Handler,
    timeoutMs: Math.ceil(originMs / 1000) === Timeout ? originMs : Timeout * 1000,
    memoryMb: MemorySize ?? 128,
    environment: Environment?.Variables ?? {},
    ...(concurrency === undefined ? {} : { reservedConcurrency: concurrency }),
  }
}

function layerOf({ arn, zip }: LayerVersion): { Arn: string; CodeSize: number } {
  return { Arn: arn, CodeSize: zip.zip.byteLength }
}
