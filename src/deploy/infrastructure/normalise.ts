import { isObject } from '../../core/base/options.js'
import { CHAINED_VARIABLE, VARIABLE_PREFIX, WRAPPER_VARIABLE } from '../live/target.js'
import { LAYER_WRAPPER } from '../zip/layer.js'
import type { InfrastructureTemplate } from './diff.js'

/** A resource without the parts that a comparison ignores. */
export interface NormalResource {
  readonly Type: string
  readonly Properties?: Readonly<Record<string, unknown>>
  readonly [attribute: string]: unknown
}

/** A template without differences that are not changes. */
export interface NormalTemplate {
  readonly Resources: Readonly<Record<string, NormalResource>>
  /** Sections other than resources. */
  readonly sections: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  /** The code of each function, by logical id. */
  readonly code: Readonly<Record<string, unknown>>
  /** Parameters that must never show their values. */
  readonly noEcho: ReadonlySet<string>
}

/** The properties that define a function's code. */
const CODE: Readonly<Record<string, readonly string[]>> = {
  'AWS::Lambda::Function': ['Code'],
  'AWS::Serverless::Function': ['CodeUri', 'InlineCode', 'ImageUri'],
}
const SECTIONS: readonly string[] = ['Parameters', 'Conditions', 'Mappings', 'Outputs', 'Rules', 'Transform']
/** The name of a CDK asset: the SHA-256 of its content. */
const ASSET_HASH = /(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/g
const ASSET = 'asset'
/** The CDK names a function's version after a hash of its content. */
const VERSION_ID = /^(.*CurrentVersion[0-9A-F]{8})[0-9a-f]{32}$/
const VERSION_WORD = /[A-Za-z0-9]*CurrentVersion[0-9A-F]{8}[0-9a-f]{32}/g

/** Whether a resource type is a Lambda function. */
export function isFunction(type: string): boolean {
  return Object.hasOwn(CODE, type)
}

/**
 * Removes the irrelevant parts of a template: the CDK's metadata, version and rule, hashes of assets, descriptions, and
 * the additions of this package's aspects and transforms to functions.
 */
export function normalised(template: InfrastructureTemplate | undefined): NormalTemplate {
  const { Resources = {}, ...rest } = withStableIds(template ?? {}) as Record<string, Record<string, unknown>>
  const all = Object.entries(Resources) as [string, NormalResource][]
  const ownLayers = all.filter(([id, one]) => isOwnLayer(id, one)).map(([id]) => id)
  const kept = all.filter(([id, { Type }]) => Type !== 'AWS::CDK::Metadata' && !ownLayers.includes(id))
  const code: Record<string, unknown> = {}
  const resources = kept.map(([id, resource]) => {
    const own = withoutStub(resource, ownLayers)
    const names = CODE[resource.Type] ?? []
    const properties = Object.entries(own.Properties ?? {})
    if (names.length > 0) code[id] = Object.fromEntries(properties.filter(([name]) => names.includes(name)))
    const Properties = withoutAssets(
      Object.fromEntries(properties.filter(([name]) => !names.includes(name))),
      resource.Type,
    )
    return [id, withoutMetadata({ ...own, Properties: Properties as Record<string, unknown> })] as const
  })
  const parameters = Object.entries(rest.Parameters ?? {}) as [string, { NoEcho?: unknown }][]
  return {
    Resources: Object.fromEntries(resources),
    sections: sectionsOf(rest),
    code,
    noEcho: new Set(
      parameters.filter(([, one]) => [true, 'true'].includes(one.NoEcho as never)).map(([name]) => name),
    ),
  }
}

function withStableIds(template: InfrastructureTemplate): InfrastructureTemplate {
  const ids = Object.keys((template.Resources ?? {}) as object).filter((id) => VERSION_ID.test(id))
  if (ids.length === 0) return template
  const stable = new Map(ids.map((id) => [id, VERSION_ID.exec(id)![1]!]))
  const text = JSON.stringify(template).replace(VERSION_WORD, (word) => stable.get(word) ?? word)
  return JSON.parse(text)
}

function sectionsOf(rest: Readonly<Record<string, unknown>>): NormalTemplate['sections'] {
  const sections = SECTIONS.flatMap((name) => {
    const section = rest[name]
    if (section === undefined) return []
    // A transform is a text, or a list of texts.
    const entries = isObject(section)
      ? Object.entries(section as object)
      : [['', section] as [string, unknown]]
    const kept = entries.filter(([key]) => !isOfCdk(name, key))
    return [
      [
        name,
        withoutAssets(Object.fromEntries(kept.map(([key, one]) => [key, described(name, one)]))),
      ] as const,
    ]
  })
  return Object.fromEntries(sections) as NormalTemplate['sections']
}

function isOfCdk(section: string, key: string): boolean {
  if (section === 'Parameters') return key === 'BootstrapVersion' || key.startsWith('AssetParameters')
  if (section === 'Conditions') return key.startsWith('CDKMetadata')
  return section === 'Rules' && key === 'CheckBootstrapVersion'
}

/** Removes descriptions of parameters and outputs, which are for readers. */
function described(section: string, value: unknown): unknown {
  if (!isObject(value) || (section !== 'Parameters' && section !== 'Outputs')) return value
  const { Description: _, ...rest } = value as Record<string, unknown>
  return rest
}

function withoutMetadata({ Metadata, ...resource }: NormalResource): NormalResource {
  const kept = Object.entries((Metadata ?? {}) as object).filter(([name]) => !name.startsWith('aws:'))
  return kept.length === 0 ? resource : { ...resource, Metadata: Object.fromEntries(kept) }
}

/** Replaces the hashes of assets. A nested stack keeps its hash, which alone identifies its template. */
function withoutAssets(value: unknown, type?: string): unknown {
  if (type === 'AWS::CloudFormation::Stack') return value
  if (typeof value === 'string') return value.replace(ASSET_HASH, ASSET)
  if (Array.isArray(value)) return value.map((one) => withoutAssets(one))
  if (!isObject(value)) return value
  const { Ref } = value as { Ref?: unknown }
  if (typeof Ref === 'string' && Ref.startsWith('AssetParameters')) return ASSET
  return Object.fromEntries(Object.entries(value as object).map(([key, one]) => [key, withoutAssets(one)]))
}

function isOwnLayer(id: string, { Type, Properties }: NormalResource): boolean {
  if (Type !== 'AWS::Lambda::LayerVersion' && Type !== 'AWS::Serverless::LayerVersion') return false
  return /^LambdaTether/.test(id) || String(Properties?.LayerName ?? '').startsWith('lambda-tether-')
}

function withoutStub(resource: NormalResource, ownLayers: readonly string[]): NormalResource {
  if (!isFunction(resource.Type)) return resource
  const { Environment, Layers, ...properties } = resource.Properties ?? {}
  const layers = Array.isArray(Layers) ? Layers.filter((layer) => !isStubLayer(layer, ownLayers)) : Layers
  const isEmpty = Array.isArray(layers) && layers.length === 0
  return {
    ...resource,
    Properties: {
      ...properties,
      ...ownEnvironment(Environment),
      ...(layers !== undefined && !isEmpty && { Layers: layers }),
    },
  }
}

/** Returns the function's own variables. Leaves an environment from an intrinsic function unchanged. */
function ownEnvironment(Environment: unknown): object {
  const { Variables } = (Environment ?? {}) as { Variables?: unknown }
  if (!isObject(Variables)) return Environment === undefined ? {} : { Environment }
  const variables = ownVariables(Variables as Record<string, unknown>)
  return Object.keys(variables).length === 0 ? {} : { Environment: { Variables: variables } }
}

/** Removes the stub's variables, and restores the function's own wrapper, which the stub chains. */
function ownVariables(variables: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const own = Object.entries(variables).filter(
    ([name, value]) =>
      !name.startsWith(VARIABLE_PREFIX) && !(name === WRAPPER_VARIABLE && value === LAYER_WRAPPER),
  )
  const chained = variables[CHAINED_VARIABLE]
  return Object.fromEntries(chained === undefined ? own : [...own, [WRAPPER_VARIABLE, chained]])
}

function isStubLayer(layer: unknown, ownLayers: readonly string[]): boolean {
  if (typeof layer === 'string') return layer.includes(':layer:lambda-tether-')
  return ownLayers.includes(String((layer as { Ref?: unknown } | null)?.Ref))
}
