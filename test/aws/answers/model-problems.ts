import type { NormalizedSchema } from '@smithy/core/schema'
import { schemaMembers } from '../../support/aws-schema.js'
import { type Answer, bodyOf, errorCodeOf, errorElement } from './answer.js'
import { type ErrorModel, operationModel } from './model.js'
import { SERVICES, type Service } from './service.js'

type Tree = Readonly<Record<string, unknown>>

/** How an answer differs from the SDK's model of its operation: status, error code, fields and their types. */
export function modelProblems(answer: Answer): string[] {
  const { service, operation, status } = answer
  const problems = status < 300 ? outputProblems(answer) : errorProblems(answer)
  return problems.map((problem) => `${service} ${operation} (${status}): ${problem}`)
}

function outputProblems(answer: Answer): string[] {
  const { service, operation, status } = answer
  const { status: wanted, output } = operationModel(service, operation)
  const members = schemaMembers(output)
  const traits = members.map(({ schema }) => schema.getMergedTraits() as Traits)
  const wrong = status === wanted || traits.some(({ httpResponseCode }) => httpResponseCode)
  const problems = wrong ? [] : [`the model has status ${wanted}`]
  // Its bytes are not described.
  if (members.some(({ schema }, at) => traits[at]?.httpPayload && !schema.isStructSchema())) return problems
  const body = modelledBody(answer)
  const inBody = traits.some(({ httpHeader, httpResponseCode }) => !httpHeader && !httpResponseCode)
  if (!inBody)
    return body === undefined || service === 'iam' ? problems : [...problems, 'the model has no body']
  return [...problems, ...new ModelCheck(isXml(answer)).value('', output, payload(answer, body, output))]
}

/** A body without the fields that the model leaves out. */
function modelledBody(answer: Answer): unknown {
  const { unmodelled = [] }: Service = SERVICES[answer.service]
  const body = bodyOf(answer)
  if (unmodelled.length === 0 || !isTree(body)) return body
  const left = Object.entries(body).filter(([name]) => !unmodelled.includes(name))
  return left.length === 0 ? undefined : Object.fromEntries(left)
}

/** What of a body is the output itself. */
function payload(answer: Answer, body: unknown, output: NormalizedSchema): unknown {
  if (!isXml(answer)) return body ?? {}
  const { service, operation } = answer
  if (service === 'iam') {
    return (body as Record<string, Tree>)[`${operation}Response`]?.[`${operation}Result`]
  }
  const { xmlName } = output.getMergedTraits() as Traits
  return (body as Tree | undefined)?.[xmlName ?? output.getName() ?? '']
}

function errorProblems(answer: Answer): string[] {
  const { service, operation, status } = answer
  const code = errorCodeOf(answer)
  // A HEAD has no body to say it in.
  if (code === undefined) return answer.body === '' ? [] : ['it has no error code']
  const declared = operationModel(service, operation).errors.get(code)
  if (declared === undefined) {
    const { commonErrors }: Service = SERVICES[service]
    return commonErrors.includes(code) ? [] : [`it does not declare the error ${code}`]
  }
  const wrong = status === declared.status ? [] : [`the error ${code} has status ${declared.status}`]
  return [...wrong, ...errorBodyProblems(answer, declared)]
}

function errorBodyProblems(answer: Answer, { schema }: ErrorModel): string[] {
  const body = modelledBody(answer)
  if (!isXml(answer)) return new ModelCheck(false).value('', schema, body ?? {})
  // Their documents are the protocol's, not the model's.
  const error = errorElement(body)
  const missing = ['Code', 'Message'].filter((name) => typeof error?.[name] !== 'string')
  return missing.map((name) => `Error.${name} is missing`)
}

function isXml({ service }: Answer): boolean {
  return SERVICES[service].format === 'xml'
}

interface Traits {
  readonly httpHeader?: string
  readonly httpResponseCode?: 1
  readonly httpPayload?: 1
  readonly jsonName?: string
  readonly xmlName?: string
  readonly xmlFlattened?: 1
}

/** Holds values against schemas; in XML every scalar is a text. */
class ModelCheck {
  readonly #isXml: boolean

  constructor(isXml: boolean) {
    this.#isXml = isXml
  }

  value(path: string, schema: NormalizedSchema, value: unknown): string[] {
    // Lambda writes null for what is not there.
    if (value === undefined || value === null) return []
    if (schema.isDocumentSchema()) return []
    if (schema.isStructSchema()) return this.#struct(path, schema, this.#isXml && value === '' ? {} : value)
    if (schema.isListSchema()) return this.#list(path, schema, value)
    if (!schema.isMapSchema()) return this.#scalar(path, schema, value)
    if (!isTree(value)) return [wrongType(path, 'a map', value)]
    const values = schema.getValueSchema()
    return Object.entries(value).flatMap(([name, one]) => this.value(`${path}.${name}`, values, one))
  }

  #struct(path: string, schema: NormalizedSchema, value: unknown): string[] {
    if (!isTree(value)) return [wrongType(path, 'a structure', value)]
    const members = schemaMembers(schema)
      .map(({ name, required, schema: member }) => {
        const traits = member.getMergedTraits() as Traits
        return { name: traits.jsonName ?? traits.xmlName ?? name, member, traits, required }
      })
      .filter(({ traits }) => !traits.httpHeader && !traits.httpResponseCode)
    const unknown = Object.keys(value).filter((key) => !members.some(({ name }) => name === key))
    return [
      ...unknown.map((key) => `${path}.${key} is not in the model`),
      ...members.flatMap(({ name, member, required }) =>
        required && value[name] === undefined
          ? [`${path}.${name} is missing`]
          : this.value(`${path}.${name}`, member, value[name]),
      ),
    ]
  }

  #list(path: string, schema: NormalizedSchema, value: unknown): string[] {
    const member = schema.getValueSchema()
    const items = this.#isXml ? xmlItems(schema, member, value) : value
    if (items === undefined || (!this.#isXml && !Array.isArray(items))) {
      return [wrongType(path, 'a list', value)]
    }
    return [items].flat().flatMap((one, at) => this.value(`${path}[${at}]`, member, one))
  }

  #scalar(path: string, schema: NormalizedSchema, value: unknown): string[] {
    const is = (words: string, fits: boolean) => (fits ? [] : [wrongType(path, words, value)])
    if (schema.isNumericSchema() || schema.isBigIntegerSchema()) {
      return is('a number', this.#isXml ? /^-?\d+(?:\.\d+)?$/.test(String(value)) : typeof value === 'number')
    }
    if (schema.isBooleanSchema()) {
      return is('true or false', (this.#isXml ? ['true', 'false'] : [true, false]).includes(value as never))
    }
    if (schema.isTimestampSchema()) {
      return is('a time', typeof value === 'number' || !Number.isNaN(Date.parse(String(value))))
    }
    return is('a text', typeof value === 'string')
  }
}

/** A list's items: elements of their own where it is flattened, else inside of one element. */
function xmlItems(schema: NormalizedSchema, member: NormalizedSchema, value: unknown): unknown {
  if ((schema.getMergedTraits() as Traits).xmlFlattened) return value
  if (value === '') return []
  return isTree(value) ? value[(member.getMergedTraits() as Traits).xmlName ?? 'member'] : undefined
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function wrongType(path: string, words: string, value: unknown): string {
  return `${path} is ${JSON.stringify(value)}, not ${words}`
}
