import * as iam from '@aws-sdk/client-iam'
import * as iot from '@aws-sdk/client-iot'
import * as lambda from '@aws-sdk/client-lambda'
import type { Words } from './shell-commands.js'

// What the SDK's clients export: each operation and each shape as a schema named `<name>$`, waiters as functions.
type Client = Readonly<Record<string, unknown>>
const clients: Readonly<Record<string, Client>> = { iam, iot, lambda }

// The SDK's schemas: [kind, namespace, name, traits, …]. A structure goes on with its members' names, their schemas
// and the number of required ones, which come first; an operation with its input and its output.
type Schema = readonly unknown[]
const SIMPLE = 0
const STRUCTURE = 3
const BOOLEAN = 2
const NUMBER = 1
const BLOBS: readonly unknown[] = [21, 42]

interface Member {
  readonly name: string
  readonly required: boolean
  /** A number for a simple type, else a schema. */
  readonly type: unknown
}

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

function argumentProblems(operation: Schema, args: Words): string[] {
  const input = members(operation[4])
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
    if (member?.type === BOOLEAN) {
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
    } else if (flag === 'query') problems.push(...queryProblems(operation[5], value))
    else if (flag === 'output' && !['json', 'text', 'table', 'yaml'].includes(value)) {
      problems.push(`--output is '${value}'`)
    }
  }
  for (const { name, required } of input) {
    if (required && !given.has(name)) problems.push(`--${kebab(name)} is missing`)
  }
  // A response whose body is a stream goes to a file, whose name comes without a flag.
  const files = members(operation[5]).some(({ name, type }) => name === 'Payload' && BLOBS.includes(type))
    ? 1
    : 0
  if (positional !== files) problems.push(`${positional} words without a flag, where ${files} belong`)
  return problems
}

function valueProblems(flag: string, { type }: Member, value: string): string[] {
  const substituted = value.startsWith('$')
  if (type === NUMBER && !/^\d+$/.test(value) && !substituted) return [`--${flag} '${value}' is no number`]
  if (BLOBS.includes(type) !== value.startsWith('fileb://')) {
    return [`--${flag} '${value}' ${BLOBS.includes(type) ? 'must be' : 'cannot be'} fileb://`]
  }
  if (Array.isArray(type) && !value.startsWith('file://')) return [`--${flag} '${value}' is no file://`]
  return []
}

/** A query of the kind `Code.Location` names members of the output. */
function queryProblems(output: unknown, query: string): string[] {
  let shape = output
  for (const part of query.split('.')) {
    const member = members(shape).find(({ name }) => name === part)
    if (member === undefined) return [`--query '${query}': there is no '${part}' in the output`]
    shape = member.type
  }
  return []
}

function operationSchema(client: Client, name: string): Schema | undefined {
  return client[`${name}$`] as Schema | undefined
}

/** The operation that a waiter asks, which is what its flags are those of. */
async function waitedOperation(client: Client, waiter: string): Promise<Schema | undefined> {
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

function members(shape: unknown): Member[] {
  const schema = resolve(shape)
  if (!Array.isArray(schema) || schema[0] !== STRUCTURE) return []
  const [, , , , names, types, required = 0] = schema as [0, 0, 0, 0, string[], unknown[], number?]
  return names.map((name, at) => ({ name, required: at < required, type: resolve(types[at]) }))
}

/** Follows references, and takes the traits from `[schema, traits]`, until a type is left. */
function resolve(type: unknown): unknown {
  if (typeof type === 'function') return resolve(type())
  if (!Array.isArray(type)) return type
  if (typeof type[1] !== 'string') return resolve(type[0])
  return type[0] === SIMPLE ? resolve(type[4]) : type
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
