// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation fills it in
import { loadAwsServiceSpecSync } from '@aws-cdk/aws-service-spec'
import type { Property, PropertyType, Resource, SpecDatabase } from '@aws-cdk/service-spec-types'

/** A template as `JSON.parse` reads it. */
export interface Template {
  Resources: Record<
    string,
    { Type: string; Properties?: Record<string, unknown>; DependsOn?: string | string[] }
  >
  Outputs?: Record<string, { Value: unknown; Description?: string }>
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html
const PSEUDO = [
  'AccountId',
  'NotificationARNs',
  'NoValue',
  'Partition',
  'Region',
  'StackId',
  'StackName',
  'URLSuffix',
]

type Problems = string[]

/** AWS's own description of every resource. */
export class AwsSpec {
  readonly #db: SpecDatabase = loadAwsServiceSpecSync()

  /** @returns undefined for a type that AWS does not have */
  resource(type: string): Resource | undefined {
    return this.#db.lookup('resource', 'cloudFormationType', 'equals', type)[0]
  }

  /** What is wrong with a template: types, properties, values and references; one line each. */
  problems(template: Template): Problems {
    const problems: Problems = []
    for (const [id, resource] of Object.entries(template.Resources)) {
      const spec = this.resource(resource.Type)
      if (spec === undefined) problems.push(`${id}: there is no type ${resource.Type}`)
      else this.#object(resource.Properties ?? {}, spec.properties, id, problems)
    }
    return [...problems, ...this.#referenceProblems(template)]
  }

  #object(value: unknown, properties: Record<string, Property>, path: string, problems: Problems): void {
    if (!isObject(value)) return void problems.push(`${path}: is no object`)
    for (const name of Object.keys(value)) {
      if (!Object.hasOwn(properties, name)) problems.push(`${path}.${name}: there is no such property`)
    }
    for (const [name, property] of Object.entries(properties)) {
      if (value[name] !== undefined) this.#value(value[name], property.type, `${path}.${name}`, problems)
      else if (property.required) problems.push(`${path}.${name}: is required`)
    }
  }

  #value(value: unknown, type: PropertyType, path: string, problems: Problems): void {
    const wrong = () => void problems.push(`${path}: is no ${type.type}`)
    switch (type.type) {
      case 'json':
        // Beside another type, such as a list's, it is for documents.
        if (!isObject(value)) wrong()
        return
      case 'string':
        if (isIntrinsic(value)) return
        if (typeof value !== 'string') return wrong()
        if (type.allowedValues !== undefined && !type.allowedValues.includes(value)) wrong()
        return
      case 'integer':
      case 'number':
        if (typeof value !== 'number' || (type.type === 'integer' && !Number.isInteger(value))) return wrong()
        if ('allowedValues' in type && type.allowedValues && !type.allowedValues.includes(value)) wrong()
        return
      case 'boolean':
        if (typeof value !== 'boolean') wrong()
        return
      case 'array':
        if (!Array.isArray(value)) return wrong()
        for (const [index, one] of value.entries())
          this.#value(one, type.element, `${path}[${index}]`, problems)
        return
      case 'map':
        if (!isObject(value)) return wrong()
        for (const [key, one] of Object.entries(value))
          this.#value(one, type.element, `${path}.${key}`, problems)
        return
      case 'tag':
        if (!isObject(value) || typeof value.Key !== 'string' || typeof value.Value !== 'string') wrong()
        else if (Object.keys(value).length > 2) wrong()
        return
      case 'ref':
        return this.#object(
          value,
          this.#db.get('typeDefinition', type.reference.$ref).properties,
          path,
          problems,
        )
      case 'union': {
        const ways = type.types.map((one) => {
          const found: Problems = []
          this.#value(value, one, path, found)
          return found
        })
        if (!ways.some((found) => found.length === 0)) problems.push(...(ways[0] ?? []))
        return
      }
      default:
        throw new Error(`${path}: this check does not know the type ${type.type}`)
    }
  }

  #referenceProblems({ Resources, Outputs = {} }: Template): Problems {
    const problems: Problems = []
    const needs = new Map<string, Set<string>>()
    const check = (from: string, path: string, target: string, attribute?: string) => {
      if (attribute === undefined && PSEUDO.some((name) => target === `AWS::${name}`)) return
      const resource = Object.hasOwn(Resources, target) ? Resources[target] : undefined
      if (resource === undefined) return void problems.push(`${path}: there is no ${target}`)
      needs.set(from, (needs.get(from) ?? new Set()).add(target))
      const attributes = this.resource(resource.Type)?.attributes ?? {}
      if (attribute !== undefined && !Object.hasOwn(attributes, attribute)) {
        problems.push(`${path}: ${resource.Type} has no attribute ${attribute}`)
      }
    }
    const walk = (from: string, path: string, value: unknown): void => {
      if (!isObject(value) && !Array.isArray(value)) return
      const only = Object.keys(value).length === 1
      for (const [key, one] of Object.entries(value)) {
        const here = `${path}.${key}`
        if (key === 'Ref' && only) check(from, here, String(one))
        else if (key === 'Fn::GetAtt')
          check(from, here, String((one as unknown[])[0]), String((one as unknown[])[1]))
        else if (key === 'Fn::Sub') {
          for (const [, name = ''] of String(one).matchAll(/\$\{([^!}][^}]*)\}/g)) {
            const [target = '', ...attribute] = name.split('.')
            check(from, here, target, attribute.length === 0 ? undefined : attribute.join('.'))
          }
          if (
            String(one)
              .replaceAll(/\$\{[^}]*\}/g, '')
              .includes('${')
          )
            problems.push(`${here}: an open \${`)
        } else if (key.startsWith('Fn::')) problems.push(`${here}: this check does not know ${key}`)
        else walk(from, here, one)
      }
    }
    for (const [id, { Properties, DependsOn = [] }] of Object.entries(Resources)) {
      walk(id, id, Properties)
      for (const other of [DependsOn].flat()) check(id, `${id}.DependsOn`, other)
    }
    for (const [name, output] of Object.entries(Outputs)) walk('', `Outputs.${name}`, output.Value)
    for (const id of Object.keys(Resources)) {
      if (reaches(needs, id, id)) problems.push(`${id}: needs itself`)
    }
    return problems
  }
}

function reaches(
  needs: Map<string, Set<string>>,
  from: string,
  to: string,
  seen = new Set<string>(),
): boolean {
  for (const next of needs.get(from) ?? []) {
    if (next === to) return true
    if (seen.has(next)) continue
    seen.add(next)
    if (reaches(needs, next, to, seen)) return true
  }
  return false
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isIntrinsic(value: unknown): boolean {
  return (
    isObject(value) && Object.keys(value).length === 1 && /^(Ref$|Fn::)/.test(Object.keys(value)[0] ?? '')
  )
}
