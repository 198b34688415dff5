import { partitionOf, serviceHost } from '../../aws/endpoints.js'
import { isObject } from '../../core/base/options.js'
import { invalid, type Template } from './template.js'

/** Values that intrinsic functions refer to. */
export interface Surroundings {
  readonly template: Template
  readonly parameters: ReadonlyMap<string, string>
  readonly stackName: string
  readonly stackId: string
  readonly region: string
  readonly accountId: string
  /** Returns the value of `Ref` for an existing resource. */
  ref(logicalId: string): string | undefined
  attribute(logicalId: string, name: string): string | undefined
}

const NO_VALUE = Symbol('AWS::NoValue')

/** Resolves the intrinsic functions in a template's value. @throws ControlPlaneError `ValidationError` */
export function resolve(value: unknown, around: Surroundings): unknown {
  if (Array.isArray(value)) return value.map((one) => resolve(one, around)).filter((one) => one !== NO_VALUE)
  if (!isObject(value)) return value
  const entries = Object.entries(value as object)
  const [first] = entries
  if (entries.length === 1 && first !== undefined && (first[0] === 'Ref' || first[0].startsWith('Fn::')))
    return intrinsic(first[0], first[1], around)
  const resolved = entries.map(([key, inner]) => [key, resolve(inner, around)] as const)
  return Object.fromEntries(resolved.filter(([, inner]) => inner !== NO_VALUE))
}

/** Whether a condition of the template holds; true without a name. */
export function holds(name: string | undefined, around: Surroundings): boolean {
  if (name === undefined) return true
  const conditions = around.template.Conditions ?? {}
  if (!Object.hasOwn(conditions, name))
    throw invalid(`Template format error: Unresolved condition dependency ${name}`)
  return condition(conditions[name], around)
}

function intrinsic(name: string, argument: unknown, around: Surroundings): unknown {
  const list = () => resolve(argument, around) as unknown[]
  switch (name) {
    case 'Ref':
      return reference(String(argument), around)
    case 'Fn::GetAtt': {
      const [id = '', ...rest] = (
        Array.isArray(argument) ? argument : String(argument).split('.')
      ) as string[]
      return attribute(id, rest.join('.'), around)
    }
    case 'Fn::Sub':
      return substituted(argument, around)
    case 'Fn::Join': {
      const [separator, parts] = list() as [string, unknown[]]
      return parts.join(separator)
    }
    case 'Fn::Select': {
      const [index, from] = list() as [number | string, unknown[]]
      return from[Number(index)]
    }
    case 'Fn::Split': {
      const [separator, text] = list() as [string, string]
      return text.split(separator)
    }
    case 'Fn::If': {
      const [test, yes, no] = argument as [string, unknown, unknown]
      return resolve(holds(test, around) ? yes : no, around)
    }
    default:
      throw invalid(`Template error: the local CloudFormation does not know ${name}`)
  }
}

function condition(value: unknown, around: Surroundings): boolean {
  const [entry] = Object.entries(value as Record<string, unknown>)
  const [name = '', argument] = entry ?? []
  const all = () => (argument as unknown[]).map((one) => condition(one, around))
  switch (name) {
    case 'Condition':
      return holds(String(argument), around)
    case 'Fn::Equals': {
      const [a, b] = resolve(argument, around) as unknown[]
      return a === b
    }
    case 'Fn::And':
      return all().every(Boolean)
    case 'Fn::Or':
      return all().some(Boolean)
    case 'Fn::Not':
      return !all()[0]
    default:
      throw invalid(`Template error: the local CloudFormation does not know the condition ${name}`)
  }
}

function reference(id: string, around: Surroundings): unknown {
  const { region, accountId, stackId, stackName, parameters } = around
  switch (id) {
    case 'AWS::NoValue':
      return NO_VALUE
    case 'AWS::Region':
      return region
    case 'AWS::AccountId':
      return accountId
    case 'AWS::StackName':
      return stackName
    case 'AWS::StackId':
      return stackId
    case 'AWS::Partition':
      return partitionOf(region)
    case 'AWS::URLSuffix':
      return serviceHost('any', region).split('.').slice(2).join('.')
    default: {
      const found = parameters.get(id) ?? around.ref(id)
      if (found === undefined)
        throw invalid(`Template error: instance of Ref references undefined resource ${id}`)
      return found
    }
  }
}

function attribute(id: string, name: string, around: Surroundings): string {
  const found = around.attribute(id, name)
  if (found === undefined)
    throw invalid(`Template error: resource ${id} does not support attribute type ${name} in Fn::GetAtt`)
  return found
}

function substituted(argument: unknown, around: Surroundings): string {
  const [text, own = {}] = (Array.isArray(argument) ? argument : [argument]) as [
    string,
    Record<string, unknown>?,
  ]
  return text.replace(/\$\{(!?)([^}]*)\}/g, (_, literal: string, name: string) => {
    if (literal) return `\${${name}}`
    if (Object.hasOwn(own, name)) return String(resolve(own[name], around))
    const [id = '', ...rest] = name.split('.')
    return rest.length === 0 ? String(reference(id, around)) : attribute(id, rest.join('.'), around)
  })
}
