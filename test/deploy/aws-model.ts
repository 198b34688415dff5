import * as iam from '@aws-sdk/client-iam'
import * as iot from '@aws-sdk/client-iot'
import * as lambda from '@aws-sdk/client-lambda'
import {
  type OperationSchema,
  operationSchema,
  type SchemaMember,
  schemaMembers,
} from '../support/aws-schema.js'
import type { Words } from './shell-commands.js'

type Client = Readonly<Record<string, unknown>>
const clients: Readonly<Record<string, Client>> = { iam, iot, lambda }

// https://docs.aws.amazon.com/cli/latest/reference/#options, those that a documented command may need.
const GLOBAL_FLAGS = ['query', 'output', 'region', 'profile']

/** Everything that is wrong with an `aws` command by the SDK's own models; nothing if it is right. */
export async function awsProblems([program, service = '', operation = '', ...rest]: Words): Promise<
  string[]
> {
  if (program !== 'aws') return [`'${program}' is not the AWS CLI`]
  const client = Object.hasOwn(clients, service) ? clients[service]! : undefined
  if (client === undefined)
    return [`there is no service '${service}' among ${Object.keys(clients).join(', ')}`]
  if (operation === 'wait') {
    const [waiter = '', ...args] = rest
    const waited = await waitedOperation(client, waiter)
    return waited === undefined ? [`${service} has no waiter '${waiter}'`] : argumentProblems(waited, args)
  }
  const schema = operationSchema(client, pascal(operation))
  return schema === undefined
    ? [`${service} has no operation '${operation}'`]
    : argumentProblems(schema, rest)
}

function argumentProblems(operation: OperationSchema, args: Words): string[] {
  const input = schemaMembers(operation.input)
  const problems: string[] = []
  const given = new Set<string>()
  let positional = 0
  for (let at = 0; at < args.length; at += 1) {
    const flag = /^--(.+)$/.exec(args[at]!)?.[1]
    if (flag === undefined) {
      positional += 1
      continue
    }
    const member = input.find(({ name }) => kebab(name) === flag)
    if (member?.schema.isBooleanSchema()) {
      given.add(member.name)
      continue
    }
    at += 1
    const value = args[at]
    if (member === undefined && !GLOBAL_FLAGS.includes(flag)) problems.push(`--${flag} is no flag of it`)
    else if (value === undefined || value.startsWith('--')) problems.push(`--${flag} has no value`)
    else if (member !== undefined) {
      if (given.has(member.name)) problems.push(`--${flag} is given twice`)
      given.add(member.name)
      problems.push(...valueProblems(flag, member, value))
    } else if (flag === 'query') problems.push(...queryProblems(operation.output, value))
    else if (flag === 'output' && !['json', 'text', 'table', 'yaml'].includes(value)) {
      problems.push(`--output is '${value}'`)
    }
  }
  for (const { name, required } of input) {
    if (required && !given.has(name)) problems.push(`--${kebab(name)} is missing`)
  }
  // A response whose body is a stream goes to a file, whose name comes without a flag.
  const files = schemaMembers(operation.output).some(
    ({ name, schema }) => name === 'Payload' && schema.isBlobSchema(),
  )
    ? 1
    : 0
  if (positional !== files) problems.push(`${positional} words without a flag, where ${files} belong`)
  return problems
}

function valueProblems(flag: string, { schema }: SchemaMember, value: string): string[] {
  const substituted = value.startsWith('$')
  if (schema.isNumericSchema() && !/^\d+$/.test(value) && !substituted)
    return [`--${flag} '${value}' is no number`]
  if (schema.isBlobSchema() !== value.startsWith('fileb://')) {
    return [`--${flag} '${value}' ${schema.isBlobSchema() ? 'must be' : 'cannot be'} fileb://`]
  }
  const simple = !schema.isStructSchema() && !schema.isListSchema() && !schema.isMapSchema()
  if (!simple && !value.startsWith('file://')) return [`--${flag} '${value}' is no file://`]
  return []
}

/** A query of the kind `Code.Location` names members of the output. */
function queryProblems(output: OperationSchema['output'], query: string): string[] {
  let shape = output
  for (const part of query.split('.')) {
    const member: SchemaMember | undefined = schemaMembers(shape).find(({ name }) => name === part)
    if (member === undefined) return [`--query '${query}': there is no '${part}' in the output`]
    shape = member.schema
  }
  return []
}

/** The operation that a waiter asks, which is what its flags are those of. */
async function waitedOperation(client: Client, waiter: string): Promise<OperationSchema | undefined> {
  const wait = client[`waitUntil${pascal(waiter)}`]
  if (typeof wait !== 'function') return undefined
  let asked = ''
  const send = async (command: object) => {
    asked = command.constructor.name.replace(/Command$/, '')
    return {}
  }
  // It asks once, is told nothing that it waits for, and finds that it was aborted.
  const options = { client: { send }, maxWaitTime: 600, abortSignal: AbortSignal.abort() }
  await Promise.resolve(wait(options, {})).catch(() => {})
  return operationSchema(client, asked)
}

function pascal(name: string): string {
  return name.replaceAll(/(?:^|-)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

// As botocore's xform_name: KMSKeyArn is kms-key-arn.
function kebab(name: string): string {
  return name
    .replaceAll(/(.)([A-Z][a-z]+)/g, '$1-$2')
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
}
