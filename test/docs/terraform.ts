// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Terraform fills it in
import { createRequire } from 'node:module'
import type { AwsSpec } from '../deploy/debug-stack-spec.js'

// Required, not imported: its types would bring the browser's into every other file.
const require = createRequire(import.meta.url)
const { parse }: { parse(name: string, text: string): Promise<Configuration> } = require('@cdktf/hcl2json')

type Block = Readonly<Record<string, unknown>>
interface Configuration {
  readonly variable?: Readonly<Record<string, readonly Block[]>>
  readonly locals?: readonly Block[]
  readonly resource?: Readonly<Record<string, Readonly<Record<string, readonly Block[]>>>>
}

/**
 * CloudFormation's type for each of Terraform's. Arguments are its properties in snake case, or the provider's own.
 * https://registry.terraform.io/providers/hashicorp/aws/latest/docs
 */
const TYPES: Readonly<Record<string, { readonly type: string; readonly own: readonly string[] }>> = {
  aws_lambda_layer_version: { type: 'AWS::Lambda::LayerVersion', own: ['filename', 'source_code_hash'] },
  aws_iam_role_policy: { type: 'AWS::IAM::RolePolicy', own: ['name', 'role', 'policy'] },
  aws_lambda_function: { type: 'AWS::Lambda::Function', own: ['filename', 'source_code_hash'] },
}
const META = ['count', 'depends_on', 'for_each', 'lifecycle', 'provider']

/**
 * What is wrong with a Terraform configuration: its syntax, types, arguments, references and files; one line each.
 *
 * @param known what lies outside of it: addresses such as `aws_iam_role.api`, and files of its folder
 */
export async function terraformProblems(
  text: string,
  spec: AwsSpec,
  known: { readonly addresses: readonly string[]; readonly files: readonly string[] },
): Promise<string[]> {
  let configuration: Configuration
  try {
    configuration = await parse('main.tf', text)
  } catch (error) {
    return [String(error)]
  }
  const { variable = {}, locals = [], resource = {} } = configuration
  const problems: string[] = []
  const addresses = new Set([
    ...known.addresses,
    ...Object.keys(variable).map((name) => `var.${name}`),
    ...locals.flatMap((block) => Object.keys(block).map((name) => `local.${name}`)),
  ])
  for (const [type, named] of Object.entries(resource)) {
    for (const [name, blocks] of Object.entries(named)) {
      addresses.add(`${type}.${name}`)
      for (const block of blocks) problems.push(...argumentProblems(`${type}.${name}`, type, block, spec))
    }
  }
  const written = JSON.stringify(configuration)
  for (const [, address] of written.matchAll(/\b((?:var|local|aws_\w+)\.\w+)/g)) {
    if (!addresses.has(address!)) problems.push(`${address} is not declared`)
  }
  for (const [, file] of written.matchAll(/\$\{path\.module\}\/([\w.-]+)/g)) {
    if (!known.files.includes(file!)) problems.push(`there is no file '${file}'`)
  }
  return problems
}

function argumentProblems(address: string, type: string, block: Block, spec: AwsSpec): string[] {
  const described = TYPES[type]
  if (described === undefined) return [`${address}: the type is not known here`]
  const { properties } = spec.resource(described.type)!
  const names = [...Object.keys(properties).map(snakeCase), ...described.own, ...META]
  return Object.keys(block)
    .filter((name) => !names.includes(name))
    .map((name) => `${address}: there is no argument '${name}'`)
}

function snakeCase(name: string): string {
  return name.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toLowerCase()
}
