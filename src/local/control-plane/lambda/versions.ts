import { randomUUID } from 'node:crypto'
import type {
  AliasConfiguration,
  CreateAliasRequest,
  FunctionConfiguration,
  ListAliasesResponse,
  ListVersionsByFunctionResponse,
  ProvisionedConcurrencyConfigListItem,
  PublishVersionRequest,
  PutProvisionedConcurrencyConfigRequest,
} from '@aws-sdk/client-lambda'
import { ControlPlaneError, invalidParameter } from '../errors.js'
import { pageOf } from './page.js'
import type { FunctionHost, FunctionRegistry, ResolvedFunction } from './registry.js'

/** The surroundings of operations on versions. */
interface VersionSurroundings {
  readonly registry: FunctionRegistry
  host(): FunctionHost
}

/** Publishes the current `$LATEST` under the next number. @throws ControlPlaneError */
export function publishVersion(
  { fn }: ResolvedFunction,
  { RevisionId, CodeSha256, Description }: Omit<PublishVersionRequest, 'FunctionName'>,
  { registry, host }: VersionSurroundings,
): FunctionConfiguration {
  fn.checkSettled()
  fn.checkRevision(RevisionId)
  if (CodeSha256 !== undefined && CodeSha256 !== fn.configuration.CodeSha256) {
    throw invalidParameter(
      `CodeSHA256 (${CodeSha256}) is different from current CodeSHA256 in $LATEST (${fn.configuration.CodeSha256}).`,
    )
  }
  fn.published += 1
  const version = String(fn.published)
  const configuration: FunctionConfiguration = {
    ...fn.configuration,
    FunctionArn: `${fn.arn}:${version}`,
    Version: version,
    RevisionId: randomUUID(),
    ...(Description === undefined ? {} : { Description }),
  }
  const definition = registry.definition(fn, configuration, fn.code)
  if (definition !== undefined) host().function(definition, version)
  fn.versions.push({ configuration, code: fn.code })
  return configuration
}

/** Lists `$LATEST` and the published versions, in order. */
export function listVersions(
  { fn }: ResolvedFunction,
  query: ReadonlyMap<string, string>,
): ListVersionsByFunctionResponse {
  const latest = { ...fn.configuration, FunctionArn: `${fn.arn}:$LATEST` }
  const all = [latest, ...fn.versions.map(({ configuration }) => configuration)]
  const { items, ...next } = pageOf(all, query)
  return { Versions: items, ...next }
}

/** Lists a function's aliases, or only those with the requested version. */
export function listAliases(
  { fn }: ResolvedFunction,
  query: ReadonlyMap<string, string>,
): ListAliasesResponse {
  const version = query.get('FunctionVersion')
  const all = [...fn.aliases.values()].filter(
    ({ FunctionVersion }) => version === undefined || version === FunctionVersion,
  )
  const { items, ...next } = pageOf(all, query)
  return { Aliases: items, ...next }
}

/** Gives a version another name. @throws ControlPlaneError */
export function createAlias(
  { fn }: ResolvedFunction,
  { Name = '', FunctionVersion = '', Description = '' }: Omit<CreateAliasRequest, 'FunctionName'>,
  { registry }: VersionSurroundings,
): AliasConfiguration {
  if (fn.aliases.has(Name)) {
    throw new ControlPlaneError('ResourceConflictException', `Alias already exists: ${fn.arn}:${Name}`)
  }
  registry.find(fn.name, FunctionVersion)
  const alias = {
    AliasArn: `${fn.arn}:${Name}`,
    Name,
    FunctionVersion,
    Description,
    RevisionId: randomUUID(),
  }
  fn.aliases.set(Name, alias)
  return alias
}

/** Records provisioned concurrency; starts nothing for it. @throws ControlPlaneError */
export function provision(
  { fn }: ResolvedFunction,
  qualifier: string | undefined,
  input: Pick<PutProvisionedConcurrencyConfigRequest, 'ProvisionedConcurrentExecutions'>,
): ProvisionedConcurrencyConfigListItem {
  if (qualifier === undefined || qualifier === '$LATEST') {
    throw invalidParameter(
      'Provisioned Concurrency Configs cannot be applied to unpublished function versions.',
    )
  }
  const config: ProvisionedConcurrencyConfigListItem = {
    FunctionArn: `${fn.arn}:${qualifier}`,
    RequestedProvisionedConcurrentExecutions: input.ProvisionedConcurrentExecutions,
    Status: 'READY',
  }
  fn.provisioned.set(qualifier, config)
  return config
}
