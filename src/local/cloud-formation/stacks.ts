import type { ControlPlaneError } from '../control-plane/errors.js'
import { ControlPlaneError as Refusal } from '../control-plane/errors.js'
import { LocalStack } from './stack.js'
import { isSameInput, type StackInput } from './stack-input.js'
import type { StackParts } from './stack-resources.js'
import { checkCapabilities, invalid, readTemplate } from './template.js'

/** All stacks of a cloud, including deleted ones, which can be found by id. */
export class Stacks {
  readonly #stacks: LocalStack[] = []
  readonly #parts: StackParts

  constructor(parts: StackParts) {
    this.#parts = parts
  }

  /** Finds a live stack by name, or any stack by id. */
  find(nameOrId: string): LocalStack | undefined {
    return this.#stacks.find(
      ({ id, name, deletedAt }) => id === nameOrId || (name === nameOrId && deletedAt === undefined),
    )
  }

  /** @throws ControlPlaneError */
  existing(nameOrId: string, words = (name: string) => `Stack with id ${name} does not exist`): LocalStack {
    const found = this.find(nameOrId)
    if (found === undefined) throw invalid(words(nameOrId))
    return found
  }

  all(): readonly LocalStack[] {
    return this.#stacks.filter(({ deletedAt }) => deletedAt === undefined)
  }

  /** @throws ControlPlaneError */
  create(form: URLSearchParams): LocalStack {
    const name = form.get('StackName') ?? ''
    if (!/^[a-zA-Z][-a-zA-Z0-9]{0,127}$/.test(name)) {
      throw invalid(
        `1 validation error detected: Value '${name}' at 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*`,
      )
    }
    refuse(form, 'OnFailure', 'DisableRollback', 'StackPolicyBody', 'TemplateURL')
    const input = inputOf(form)
    const token = form.get('ClientRequestToken') ?? undefined
    const there = this.find(name)
    // A request repeated after its answer was lost.
    if (there !== undefined && token !== undefined && there.token === token) return there
    if (there !== undefined) throw new Refusal('AlreadyExistsException', `Stack [${name}] already exists`)
    checkCapabilities(input.template, input.capabilities)
    const stack = new LocalStack(name, input, this.#parts)
    this.#stacks.push(stack)
    run(stack.create(token))
    return stack
  }

  /** @throws ControlPlaneError */
  update(form: URLSearchParams): LocalStack {
    const stack = this.existing(form.get('StackName') ?? '', (name) => `Stack [${name}] does not exist`)
    refuse(form, 'TemplateURL', 'StackPolicyBody')
    const input = inputOf(form, stack.input)
    const token = form.get('ClientRequestToken') ?? undefined
    if (token !== undefined && stack.token === token) return stack
    if (!/^(CREATE|UPDATE|UPDATE_ROLLBACK|IMPORT)_COMPLETE$/.test(stack.status))
      throw invalid(`Stack:${stack.id} is in ${stack.status} state and can not be updated.`)
    checkCapabilities(input.template, input.capabilities)
    if (isSameInput(stack.input, input)) throw invalid('No updates are to be performed.')
    run(stack.update(input, token))
    return stack
  }

  /** Deleting a missing stack succeeds. */
  delete(form: URLSearchParams): void {
    const stack = this.find(form.get('StackName') ?? '')
    if (stack === undefined || stack.deletedAt !== undefined || stack.status === 'DELETE_IN_PROGRESS') return
    if (/^(UPDATE|ROLLBACK|CREATE).*_IN_PROGRESS$/.test(stack.status))
      throw invalid(`Stack [${stack.name}] cannot be deleted while in status ${stack.status}`)
    run(stack.delete(form.get('ClientRequestToken') ?? undefined))
  }
}

// The outcome is the stack's state; the promise rejects only if the cloud closes meanwhile.
function run(operation: Promise<void>): void {
  operation.catch(() => {})
}

/** @throws ControlPlaneError `NotImplemented` */
function refuse(form: URLSearchParams, ...names: readonly string[]): ControlPlaneError | undefined {
  const given = names.find(
    (name) => form.has(name) && form.get(name) !== 'ROLLBACK' && form.get(name) !== 'false',
  )
  if (given === undefined) return undefined
  throw new Refusal('NotImplemented', `The local CloudFormation does not serve ${given}.`)
}

/** @throws ControlPlaneError `ValidationError` */
function inputOf(form: URLSearchParams, before?: StackInput): StackInput {
  const body = form.get('UsePreviousTemplate') === 'true' ? before?.body : form.get('TemplateBody')
  if (!body) throw invalid('Either Template URL or Template Body must be specified.')
  const template = readTemplate(body)
  const declared = template.Parameters ?? {}
  const given = new Map(
    members(form, 'Parameters').map(({ ParameterKey = '', ParameterValue, UsePreviousValue }) => [
      ParameterKey,
      UsePreviousValue === 'true' ? before?.parameters.get(ParameterKey) : ParameterValue,
    ]),
  )
  const surplus = [...given.keys()].filter((name) => !Object.hasOwn(declared, name))
  if (surplus.length > 0) throw invalid(`Parameters: [${surplus.join(', ')}] do not exist in the template`)
  const parameters = new Map<string, string>()
  const missing: string[] = []
  for (const [name, { Default }] of Object.entries(declared)) {
    const value = given.get(name) ?? Default
    if (value === undefined) missing.push(name)
    else parameters.set(name, String(value))
  }
  if (missing.length > 0) throw invalid(`Parameters: [${missing.join(', ')}] must have values`)
  return {
    body,
    template,
    parameters,
    // An update without tags keeps the old ones; an empty list removes them.
    tags: isGiven(form, 'Tags')
      ? members(form, 'Tags').map(({ Key = '', Value = '' }) => [Key, Value])
      : (before?.tags ?? []),
    capabilities: members(form, 'Capabilities').map(({ '': capability = '' }) => capability),
  }
}

function isGiven(form: URLSearchParams, name: string): boolean {
  return [...form.keys()].some((key) => key === name || key.startsWith(`${name}.`))
}

/** Parses a list of a form: `Tags.member.1.Key`. For a list of texts, the field's name is empty. */
function members(form: URLSearchParams, name: string): Record<string, string>[] {
  const list: Record<string, string>[] = []
  for (const [key, value] of form) {
    const [, at, field = ''] = new RegExp(`^${name}\\.member\\.(\\d+)(?:\\.(\\w+))?$`).exec(key) ?? []
    if (at === undefined) continue
    const index = Number(at) - 1
    list[index] = { ...list[index], [field]: value }
  }
  return list
}
