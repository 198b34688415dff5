import { delay } from '../../core/base/delay.js'
import { holds, resolve, type Surroundings } from './intrinsics.js'
import type { FindType, MadeResource, ResourceType, StackCloud } from './resource.js'
import { isEqual, type StackInput } from './stack-input.js'
import { levels, type Template, type TemplateResource } from './template.js'

/** A resource of a stack. */
export interface StackResource extends MadeResource {
  readonly type: string
  status: string
  reason?: string | undefined
  /** The properties it was made with; an update is needed if they differ. */
  readonly properties: Readonly<Record<string, unknown>>
  readonly declared: TemplateResource
}

/** The surroundings of a stack. */
export interface StackParts {
  readonly cloud: StackCloud
  readonly findType: FindType
  /** Called before a resource is made, changed or deleted; a returned text makes that step fail. */
  failResource(resource: {
    stackName: string
    logicalId: string
    type: string
    action: ResourceAction
  }): string | undefined
  readonly signal: AbortSignal
}

/** The kinds of steps on a resource. */
export type ResourceAction = 'CREATE' | 'UPDATE' | 'DELETE'

/** Reports each status of a resource. */
export type TellResource = (
  logicalId: string,
  type: string,
  physicalId: string | undefined,
  status: string,
  reason?: string,
) => void

/** A resource to create or change. */
interface Job {
  readonly id: string
  readonly declared: TemplateResource
  readonly properties: Readonly<Record<string, unknown>>
  readonly old: StackResource | undefined
}

/** The resources of one stack: creates, changes and deletes them level by level, along their references. */
export class StackResources {
  readonly #stackName: string
  readonly #parts: StackParts
  readonly #tell: TellResource
  readonly #all = new Map<string, StackResource>()

  constructor(stackName: string, parts: StackParts, tell: TellResource) {
    this.#stackName = stackName
    this.#parts = parts
    this.#tell = tell
  }

  /** The resources by logical id. */
  get all(): ReadonlyMap<string, StackResource> {
    return this.#all
  }

  /** Returns the logical ids of resources that are absent from a template or disabled by their condition. */
  surplus({ Resources }: Template, around: Surroundings): string[] {
    return [...this.#all.keys()].filter((id) => {
      const declared = Object.hasOwn(Resources, id) ? Resources[id] : undefined
      return declared === undefined || !holds(declared.Condition, around)
    })
  }

  /** Creates and changes resources; moves replaced ones to `replaced`. @returns ids of failed resources */
  async make(
    { template }: StackInput,
    around: Surroundings,
    replaced: Map<string, StackResource>,
  ): Promise<string[]> {
    for (const level of levels(template)) {
      const wanted = level.filter((id) => holds(template.Resources[id]?.Condition, around))
      const failed = await this.#makeLevel(wanted, template, around, replaced)
      if (failed.length > 0) return failed
    }
    return []
  }

  /** Deletes resources, dependents first. @returns ids of the remaining resources */
  async delete(ids: readonly string[], template: Template): Promise<string[]> {
    const wanted = new Set(ids)
    const order = [...levels(template), ids.filter((id) => !Object.hasOwn(template.Resources, id))].reverse()
    const failed: string[] = []
    for (const level of order) {
      const here = level.filter((id) => wanted.has(id) && this.#all.has(id))
      const made = here.filter((id) => this.#all.get(id)?.physicalId !== '')
      for (const id of here) if (!made.includes(id)) this.#all.delete(id)
      failed.push(...(await this.#deleteLevel(made, template)))
    }
    return failed
  }

  /** Deletes a replaced resource. */
  async deleteReplaced(id: string, old: StackResource, template: Template): Promise<void> {
    await this.#deleteOne(id, old, template)
  }

  /** Deletes a resource's replacement and restores the resource. */
  async bringBack(id: string, old: StackResource, template: Template): Promise<void> {
    const replacement = this.#all.get(id)
    if (replacement !== undefined) await this.#deleteOne(id, replacement, template)
    this.#all.set(id, old)
  }

  async #makeLevel(
    ids: readonly string[],
    template: Template,
    around: Surroundings,
    replaced: Map<string, StackResource>,
  ): Promise<string[]> {
    const jobs = ids
      .map((id): Job => {
        const declared = template.Resources[id]!
        const properties = resolve(declared.Properties ?? {}, around) as Job['properties']
        return { id, declared, properties, old: this.#all.get(id) }
      })
      .filter((job) => !isDone(job))
    if (jobs.length === 0) return []
    for (const { id, declared, old } of jobs)
      this.#tell(id, declared.Type, old?.physicalId, old ? 'UPDATE_IN_PROGRESS' : 'CREATE_IN_PROGRESS')
    await this.#step()
    const made = await Promise.all(jobs.map((job) => this.#makeOne(job, template, replaced)))
    return jobs.filter((_, at) => !made[at]).map(({ id }) => id)
  }

  /** @returns whether it was created or changed */
  async #makeOne(job: Job, template: Template, replaced: Map<string, StackResource>): Promise<boolean> {
    const { id, declared, properties, old } = job
    const { Type: type } = declared
    const action = old === undefined ? 'CREATE' : 'UPDATE'
    const { signal } = this.#parts
    const stackName = this.#stackName
    const input = { stackName, logicalId: id, properties, before: old?.properties, template, signal }
    const provider = this.#provider(id, type, template)
    try {
      this.#fail(id, type, action)
      if (provider === undefined) throw new Error(`The local cloud makes no ${type}.`)
      const kept = old?.type === type && isUpdatable(provider, old.properties, properties) ? old : undefined
      const { physicalId, attributes } = kept
        ? await provider.update!(input, kept)
        : await provider.create(input)
      if (old !== undefined && kept === undefined) replaced.set(id, old)
      const status = `${action}_COMPLETE`
      this.#all.set(id, { type, physicalId, attributes, properties, declared, status })
      this.#tell(id, type, physicalId, status)
      return true
    } catch (error) {
      signal.throwIfAborted()
      const reason = (error as Error).message
      const failed = { physicalId: '', attributes: {}, status: 'CREATE_FAILED', reason }
      if (old === undefined) this.#all.set(id, { type, properties, declared, ...failed })
      this.#tell(id, type, old?.physicalId, `${action}_FAILED`, reason)
      return false
    }
  }

  /** @returns ids of the remaining resources */
  async #deleteLevel(ids: readonly string[], template: Template): Promise<string[]> {
    if (ids.length === 0) return []
    const level = ids.map((id) => [id, this.#all.get(id)!] as const)
    for (const [id, { type, physicalId }] of level) this.#tell(id, type, physicalId, 'DELETE_IN_PROGRESS')
    await this.#step()
    const gone = await Promise.all(level.map(([id, resource]) => this.#deleteOne(id, resource, template)))
    return ids.filter((_, at) => !gone[at])
  }

  /** @returns whether it was deleted */
  async #deleteOne(id: string, resource: StackResource, template: Template): Promise<boolean> {
    const { type, physicalId, declared } = resource
    const { signal } = this.#parts
    try {
      if (declared.DeletionPolicy === 'Retain') {
        this.#tell(id, type, physicalId, 'DELETE_SKIPPED')
      } else {
        this.#fail(id, type, 'DELETE')
        const input = { stackName: this.#stackName, logicalId: id, signal }
        await this.#provider(id, type, template)?.delete(resource, input)
        this.#tell(id, type, physicalId, 'DELETE_COMPLETE')
      }
      if (this.#all.get(id) === resource) this.#all.delete(id)
      return true
    } catch (error) {
      signal.throwIfAborted()
      const reason = (error as Error).message
      Object.assign(resource, { status: 'DELETE_FAILED', reason })
      this.#tell(id, type, physicalId, 'DELETE_FAILED', reason)
      return false
    }
  }

  #provider(logicalId: string, type: string, template: Template): ResourceType | undefined {
    return this.#parts.findType(type, { logicalId, template })
  }

  #fail(logicalId: string, type: string, action: ResourceAction): void {
    const reason = this.#parts.failResource({ stackName: this.#stackName, logicalId, type, action })
    if (reason !== undefined) throw new Error(reason)
  }

  /** Waits for the duration of a level. */
  #step(): Promise<void> {
    const { cloud, signal } = this.#parts
    return delay(cloud.updateMs, { clock: cloud.clock, signal })
  }
}

function isDone({ declared, properties, old }: Job): boolean {
  return (
    old?.status.endsWith('_COMPLETE') === true &&
    old.type === declared.Type &&
    isEqual(old.properties, properties) &&
    isEqual(old.declared.Metadata, declared.Metadata)
  )
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
