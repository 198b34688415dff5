import { isObject } from '../../core/base/options.js'
import { ControlPlaneError } from '../control-plane/errors.js'

/** A resource in a template. */
export interface TemplateResource {
  readonly Type: string
  readonly Properties?: Readonly<Record<string, unknown>>
  readonly DependsOn?: string | readonly string[]
  readonly DeletionPolicy?: string
  readonly Condition?: string
  readonly Metadata?: unknown
}

/** A parsed and checked template. */
export interface Template {
  readonly Description?: string
  readonly Parameters?: Readonly<Record<string, TemplateParameter>>
  readonly Conditions?: Readonly<Record<string, unknown>>
  readonly Resources: Readonly<Record<string, TemplateResource>>
  readonly Outputs?: Readonly<
    Record<string, { readonly Value: unknown; readonly Description?: string; readonly Condition?: string }>
  >
  readonly Transform?: unknown
}

interface TemplateParameter {
  readonly Type: string
  readonly Default?: unknown
  readonly NoEcho?: unknown
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
const MAX_BODY_BYTES = 51_200
const MAX_RESOURCES = 500
/**
 * Resource types that grant permissions, with the property that names them:
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-iam-template.html
 */
const IAM_TYPES: Readonly<Record<string, string>> = {
  'AWS::IAM::AccessKey': '',
  'AWS::IAM::Group': 'GroupName',
  'AWS::IAM::InstanceProfile': 'InstanceProfileName',
  'AWS::IAM::ManagedPolicy': 'ManagedPolicyName',
  'AWS::IAM::Policy': '',
  'AWS::IAM::Role': 'RoleName',
  'AWS::IAM::User': 'UserName',
  'AWS::IAM::UserToGroupAddition': '',
}

/** Parses a template; accepts only JSON, a subset of YAML. @throws ControlPlaneError `ValidationError` */
export function readTemplate(body: string): Template {
  if (Buffer.byteLength(body) > MAX_BODY_BYTES) {
    throw invalid(
      `1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to ${MAX_BODY_BYTES}`,
    )
  }
  const template = parsed(body) as Template
  const { Resources } = template
  if (!isObject(Resources) || Object.keys(Resources).length === 0)
    throw invalid('Template format error: At least one Resources member must be defined.')
  const ids = Object.keys(Resources)
  if (ids.length > MAX_RESOURCES)
    throw invalid(
      `Template format error: Number of resources, ${ids.length}, is greater than maximum allowed, ${MAX_RESOURCES}`,
    )
  const unknown = Object.values(Resources)
    .map(({ Type }) => Type)
    .filter((type) => !/^(AWS|Custom|Alexa)::\w/.test(String(type)))
  if (unknown.length > 0)
    throw invalid(`Template format error: Unrecognized resource types: [${unknown.join(', ')}]`)
  const known = new Set([...ids, ...Object.keys(template.Parameters ?? {})])
  const missing = new Set(ids.flatMap((id) => dependencies(Resources[id])).filter((id) => !known.has(id)))
  if (missing.size > 0)
    throw invalid(
      `Template format error: Unresolved resource dependencies [${[...missing].join(', ')}] in the Resources block of the template`,
    )
  levels(template)
  return template
}

/** @throws ControlPlaneError `InsufficientCapabilitiesException`; `NotImplemented` for a template with transforms */
export function checkCapabilities({ Resources, Transform }: Template, given: readonly string[]): void {
  const all = Object.values(Resources)
  const named = all.some(({ Type, Properties = {} }) => Object.hasOwn(Properties, IAM_TYPES[Type] || 'none'))
  const needed = [
    ...(named
      ? ['CAPABILITY_NAMED_IAM']
      : all.some(({ Type }) => Object.hasOwn(IAM_TYPES, Type))
        ? ['CAPABILITY_IAM']
        : []),
    ...(Transform === undefined ? [] : ['CAPABILITY_AUTO_EXPAND']),
  ]
  const has = (one: string) =>
    given.includes(one) || (one === 'CAPABILITY_IAM' && given.includes('CAPABILITY_NAMED_IAM'))
  if (!needed.every(has))
    throw new ControlPlaneError(
      'InsufficientCapabilitiesException',
      `Requires capabilities : [${needed.join(', ')}]`,
    )
  if (Transform !== undefined)
    throw new ControlPlaneError('NotImplemented', 'The local CloudFormation carries out no transforms.')
}

/** Returns resources in order of creation: a level depends only on earlier levels. */
export function levels({ Resources }: Template): string[][] {
  const left = new Set(Object.keys(Resources))
  const order: string[][] = []
  while (left.size > 0) {
    const level = [...left].filter((id) => !dependencies(Resources[id]).some((other) => left.has(other)))
    if (level.length === 0) throw invalid(`Circular dependency between resources: [${[...left].join(', ')}]`)
    for (const id of level) left.delete(id)
    order.push(level)
  }
  return order
}

/** Returns the logical ids that a resource refers to. */
function dependencies(resource: TemplateResource | undefined): string[] {
  const { Properties = {}, DependsOn = [] } = resource ?? {}
  return [...new Set([...[DependsOn].flat(), ...named(Properties)])].filter((id) => !id.startsWith('AWS::'))
}

function named(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(named)
  if (!isObject(value)) return []
  return Object.entries(value as object).flatMap(([key, inner]) => {
    if (key === 'Ref' && typeof inner === 'string') return [inner]
    if (key === 'Fn::GetAtt') return [String([inner].flat()[0]).split('.')[0] ?? '']
    if (key !== 'Fn::Sub') return named(inner)
    const [text, own = {}] = [inner].flat() as [string, object?]
    const names = [...text.matchAll(/\$\{([^!}][^}]*)\}/g)].map(([, name = '']) => name.split('.')[0] ?? '')
    return [...names.filter((name) => !Object.hasOwn(own, name)), ...named(own)]
  })
}

/** Makes CloudFormation's error for invalid input. */
export function invalid(message: string): ControlPlaneError {
  return new ControlPlaneError('ValidationError', message)
}

function parsed(body: string): unknown {
  try {
    const template: unknown = JSON.parse(body)
    if (isObject(template)) return template
  } catch {
    // Refused below, like JSON that is not an object.
  }
  throw invalid('Template format error: unsupported structure.')
}
