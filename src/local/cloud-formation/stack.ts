import { randomUUID } from 'node:crypto'
import { delay } from '../../core/base/delay.js'
import { holds, resolve, type Surroundings } from './intrinsics.js'
import type { FindType, MadeResource, ResourceType, StackCloud } from './resource.js'
import { levels, type Template, type TemplateResource } from './template.js'

/** One thing that happened to a stack. */
export interface LocalStackEvent {
  readonly id: string
  readonly logicalId: string
  readonly physicalId: string
  readonly type: string
  readonly at: number
  readonly status: string
  readonly reason: string | undefined
  readonly token: string | undefined
}

/** A resource as a stack keeps it. */
export interface StackResource extends MadeResource {
  readonly type: string
  status: string
  reason?: string | undefined
  /** What it was made with: changed where these differ. */
  readonly properties: Readonly<Record<string, unknown>>
  readonly declared: TemplateResource
}

/** What an operation brings. */
export interface StackInput {
  readonly body: string
  readonly template: Template
  readonly parameters: ReadonlyMap<string, string>
  readonly tags: readonly (readonly [key: string, value: string])[]
  readonly capabilities: readonly string[]
}

/** What stacks are made with. */
export interface StackParts {
  readonly cloud: StackCloud
  readonly findType: FindType
  /** Asked before a resource is made, changed or deleted: a text makes that fail. */
  failResource(resource: {
    stackName: string
    logicalId: string
    type: string
    action: ResourceAction
  }): string | undefined
  readonly signal: AbortSignal
}

/** What is done with a resource. */
export type ResourceAction = 'CREATE' | 'UPDATE' | 'DELETE'

const STACK_TYPE = 'AWS::CloudFormation::Stack'

/** A stack with its states and its events, as CloudFormation has them. */
export class LocalStack {
  readonly id: string
  readonly createdAt: number
  updatedAt: number | undefined
  deletedAt: number | undefined
  status = 'CREATE_IN_PROGRESS'
  reason: string | undefined
  input: StackInput
  readonly resources = new Map<string, StackResource>()
  readonly events: LocalStackEvent[] = []
  outputs: readonly {
    readonly key: string
    readonly value: string
    readonly description: string | undefined
  }[] = []
  readonly #parts: StackParts
  #token: string | undefined

  constructor(
    readonly name: string,
    input: StackInput,
    parts: StackParts,
  ) {
    const { region, accountId, clock } = parts.cloud
    this.id = `arn:aws:cloudformation:${region}:${accountId}:stack/${name}/${randomUUID()}`
    this.createdAt = clock.now()
    this.input = input
    this.#parts = parts
  }

  /** The token of the request that began the latest operation. */
  get token(): string | undefined {
    return this.#token
  }

  /** Makes everything; what cannot be made is rolled back. Never rejects but where the cloud closes. */
  async create(token: string | undefined): Promise<void> {
    this.#begin('CREATE_IN_PROGRESS', token)
    const failed = await this.#makeAll(this.input, new Map())
    if (failed.length === 0) return this.#set('CREATE_COMPLETE')
    this.#set(
      'ROLLBACK_IN_PROGRESS',
      `The following resource(s) failed to create: [${failed.join(', ')}]. Rollback requested by user.`,
    )
    const left = await this.#deleteAll([...this.resources.keys()])
    this.#set(left.length === 0 ? 'ROLLBACK_COMPLETE' : 'ROLLBACK_FAILED', notDeleted(left))
  }

  /** Makes it what the input says; what cannot be made brings back what was there. */
  async update(next: StackInput, token: string | undefined): Promise<void> {
    const before = this.input
    this.updatedAt = this.#now()
    this.#begin('UPDATE_IN_PROGRESS', token)
    this.input = next
    const replaced = new Map<string, StackResource>()
    const failed = await this.#makeAll(next, replaced)
    if (failed.length > 0) {
      this.#set(
        'UPDATE_ROLLBACK_IN_PROGRESS',
        `The following resource(s) failed to update: [${failed.join(', ')}].`,
      )
      this.input = before
      for (const [id, old] of replaced) {
        await this.#remove(id, this.resources.get(id))
        this.resources.set(id, old)
      }
      await this.#makeAll(before, new Map())
      await this.#deleteAll(this.#surplus(before.template))
      return this.#set('UPDATE_ROLLBACK_COMPLETE')
    }
    this.#set('UPDATE_COMPLETE_CLEANUP_IN_PROGRESS')
    for (const [id, old] of replaced) await this.#remove(id, old)
    await this.#deleteAll(this.#surplus(next.template))
    this.#set('UPDATE_COMPLETE')
  }

  async delete(token: string | undefined): Promise<void> {
    this.#begin('DELETE_IN_PROGRESS', token)
    const left = await this.#deleteAll([...this.resources.keys()])
    if (left.length === 0) this.deletedAt = this.#now()
    this.#set(left.length === 0 ? 'DELETE_COMPLETE' : 'DELETE_FAILED', notDeleted(left))
  }

  /** Makes and changes resources, a level at a time. @returns those that failed */
  async #makeAll(input: StackInput, replaced: Map<string, StackResource>): Promise<string[]> {
    const around = this.#surroundings(input)
    try {
      for (const level of levels(input.template)) {
        const wanted = level.filter((id) => holds(input.template.Resources[id]?.Condition, around))
        const failed = await this.#makeLevel(wanted, input, around, replaced)
        if (failed.length > 0) return failed
      }
      this.outputs = Object.entries(input.template.Outputs ?? {})
        .filter(([, { Condition }]) => holds(Condition, around))
        .map(([key, { Value, Description }]) => ({
          key,
          value: String(resolve(Value, around)),
          description: Description,
        }))
      return []
    } catch (error) {
      this.#parts.signal.throwIfAborted()
      this.#set(this.status, (error as Error).message)
      return [this.name]
    }
  }

  async #makeLevel(
    ids: readonly string[],
    { template }: StackInput,
    around: Surroundings,
    replaced: Map<string, StackResource>,
  ): Promise<string[]> {
    const jobs = ids.flatMap((id) => {
      const declared = template.Resources[id]!
      const properties = resolve(declared.Properties ?? {}, around) as Readonly<Record<string, unknown>>
      const old = this.resources.get(id)
      const same =
        old?.status.endsWith('_COMPLETE') === true &&
        old.type === declared.Type &&
        isEqual(old.properties, properties) &&
        isEqual(old.declared.Metadata, declared.Metadata)
      return same ? [] : [{ id, declared, properties, old }]
    })
    if (jobs.length === 0) return []
    for (const { id, declared, old } of jobs)
      this.#event(id, declared.Type, old?.physicalId, old ? 'UPDATE_IN_PROGRESS' : 'CREATE_IN_PROGRESS')
    await this.#step()
    const results = await Promise.all(
      jobs.map(async ({ id, declared, properties, old }) => {
        const type = declared.Type
        const action = old === undefined ? 'CREATE' : 'UPDATE'
        const { signal } = this.#parts
        const provider = this.#provider(id, type, template)
        const input = {
          stackName: this.name,
          logicalId: id,
          properties,
          before: old?.properties,
          template,
          signal,
        }
        try {
          this.#fail(id, type, action)
          if (provider === undefined) throw new Error(`The local cloud makes no ${type}.`)
          const kept =
            old?.type === type && isUpdatable(provider, old.properties, properties) ? old : undefined
          const made = kept ? await provider.update!(input, kept) : await provider.create(input)
          if (old !== undefined && kept === undefined) replaced.set(id, old)
          const { physicalId, attributes } = made
          this.resources.set(id, {
            type,
            physicalId,
            attributes,
            properties,
            declared,
            status: `${action}_COMPLETE`,
          })
          this.#event(id, type, physicalId, `${action}_COMPLETE`)
          return undefined
        } catch (error) {
          signal.throwIfAborted()
          const reason = (error as Error).message
          if (old === undefined)
            this.resources.set(id, {
              type,
              physicalId: '',
              attributes: {},
              properties,
              declared,
              status: 'CREATE_FAILED',
              reason,
            })
          this.#event(id, type, old?.physicalId, `${action}_FAILED`, reason)
          return id
        }
      }),
    )
    return results.filter((id) => id !== undefined)
  }

  /** Deletes resources, those first that others do not need. @returns those that are left */
  async #deleteAll(ids: readonly string[]): Promise<string[]> {
    const wanted = new Set(ids)
    const order = [
      ...levels(this.input.template),
      ids.filter((id) => !Object.hasOwn(this.input.template.Resources, id)),
    ].reverse()
    const failed: string[] = []
    for (const level of order) {
      const here = level.filter((id) => wanted.has(id) && this.resources.has(id))
      const made = here.filter((id) => this.resources.get(id)?.physicalId !== '')
      for (const id of here) if (!made.includes(id)) this.resources.delete(id)
      const results = await this.#removeLevel(made)
      failed.push(...results)
    }
    return failed
  }

  async #removeLevel(ids: readonly string[]): Promise<string[]> {
    if (ids.length === 0) return []
    for (const id of ids)
      this.#event(id, this.resources.get(id)!.type, this.resources.get(id)!.physicalId, 'DELETE_IN_PROGRESS')
    await this.#step()
    const results = await Promise.all(ids.map((id) => this.#remove(id, this.resources.get(id))))
    return ids.filter((_, at) => !results[at])
  }

  /** @returns whether it is gone */
  async #remove(id: string, resource: StackResource | undefined): Promise<boolean> {
    if (resource === undefined) return true
    const { type, physicalId, declared } = resource
    const { signal } = this.#parts
    const current = this.resources.get(id) === resource
    try {
      if (declared.DeletionPolicy === 'Retain') {
        this.#event(id, type, physicalId, 'DELETE_SKIPPED')
      } else {
        this.#fail(id, type, 'DELETE')
        await this.#provider(id, type, this.input.template)?.delete(resource, {
          stackName: this.name,
          logicalId: id,
          signal,
        })
        this.#event(id, type, physicalId, 'DELETE_COMPLETE')
      }
      if (current) this.resources.delete(id)
      return true
    } catch (error) {
      signal.throwIfAborted()
      const reason = (error as Error).message
      Object.assign(resource, { status: 'DELETE_FAILED', reason })
      this.#event(id, type, physicalId, 'DELETE_FAILED', reason)
      return false
    }
  }

  #provider(logicalId: string, type: string, template: Template): ResourceType | undefined {
    return this.#parts.findType(type, { logicalId, template })
  }

  #fail(logicalId: string, type: string, action: ResourceAction): void {
    const reason = this.#parts.failResource({ stackName: this.name, logicalId, type, action })
    if (reason !== undefined) throw new Error(reason)
  }

  #surplus({ Resources }: Template): string[] {
    return [...this.resources.keys()].filter((id) => !Object.hasOwn(Resources, id))
  }

  #surroundings({ template, parameters }: StackInput): Surroundings {
    const { region, accountId } = this.#parts.cloud
    return {
      template,
      parameters,
      stackName: this.name,
      stackId: this.id,
      region,
      accountId,
      ref: (id) => this.resources.get(id)?.physicalId,
      attribute: (id, name) => this.resources.get(id)?.attributes[name],
    }
  }

  /** How long a level takes. */
  #step(): Promise<void> {
    const { cloud, signal } = this.#parts
    return delay(cloud.updateMs, { clock: cloud.clock, signal })
  }

  #begin(status: string, token: string | undefined): void {
    this.#token = token
    this.#set(status, 'User Initiated')
  }

  #set(status: string, reason?: string): void {
    this.status = status
    this.reason = reason
    this.#event(this.name, STACK_TYPE, this.id, status, reason)
  }

  #event(logicalId: string, type: string, physicalId = '', status: string, reason?: string): void {
    const event = {
      id: randomUUID(),
      logicalId,
      type,
      physicalId,
      status,
      reason,
      at: this.#now(),
      token: this.#token,
    }
    this.events.push(event)
  }

  #now(): number {
    return this.#parts.cloud.clock.now()
  }
}

/** Whether the old and the new differ in nothing that CloudFormation acts on. */
export function isSameInput(a: StackInput, b: StackInput): boolean {
  const facts = ({ template: { Resources, Outputs, Conditions }, parameters, tags }: StackInput) => ({
    Resources,
    Outputs,
    Conditions,
    parameters: [...parameters],
    tags: [...tags].sort(),
  })
  return isEqual(facts(a), facts(b))
}

function isUpdatable(
  provider: ResourceType,
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): boolean {
  return (
    provider.update !== undefined &&
    (provider.fixed ?? []).every((name) => isEqual(before[name], after[name]))
  )
}

function isEqual(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b)
}

function canonical(value: unknown): string {
  const sorted = (_key: string, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner
  return JSON.stringify(value, sorted) ?? ''
}

function notDeleted(ids: readonly string[]): string | undefined {
  return ids.length === 0 ? undefined : `The following resource(s) failed to delete: [${ids.join(', ')}]. `
}
