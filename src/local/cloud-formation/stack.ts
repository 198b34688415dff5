import { randomUUID } from 'node:crypto'
import { holds, resolve, type Surroundings } from './intrinsics.js'
import type { StackInput } from './stack-input.js'
import { type StackParts, type StackResource, StackResources } from './stack-resources.js'

/** An event in a stack's history. */
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

const STACK_TYPE = 'AWS::CloudFormation::Stack'

/** A stack with CloudFormation's states and events. */
export class LocalStack {
  readonly id: string
  readonly createdAt: number
  updatedAt: number | undefined
  deletedAt: number | undefined
  status = 'CREATE_IN_PROGRESS'
  reason: string | undefined
  input: StackInput
  readonly events: LocalStackEvent[] = []
  outputs: readonly {
    readonly key: string
    readonly value: string
    readonly description: string | undefined
  }[] = []
  readonly #parts: StackParts
  readonly #resources: StackResources
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
    this.#resources = new StackResources(name, parts, (...told) => this.#event(...told))
  }

  /** The token of the request that began the latest operation. */
  get token(): string | undefined {
    return this.#token
  }

  /** The resources by logical id. */
  get resources(): ReadonlyMap<string, StackResource> {
    return this.#resources.all
  }

  /** Creates all resources; rolls back on a failure. Rejects only if the cloud closes. */
  async create(token: string | undefined): Promise<void> {
    this.#begin('CREATE_IN_PROGRESS', token)
    const failed = await this.#make(this.input, new Map())
    if (failed.length === 0) return this.#set('CREATE_COMPLETE')
    this.#set(
      'ROLLBACK_IN_PROGRESS',
      `The following resource(s) failed to create: [${failed.join(', ')}]. Rollback requested by user.`,
    )
    const left = await this.#deleteAll()
    this.#set(left.length === 0 ? 'ROLLBACK_COMPLETE' : 'ROLLBACK_FAILED', notDeleted(left))
  }

  /** Applies new input; restores the previous resources on a failure. */
  async update(next: StackInput, token: string | undefined): Promise<void> {
    const before = this.input
    this.updatedAt = this.#now()
    this.#begin('UPDATE_IN_PROGRESS', token)
    this.input = next
    const replaced = new Map<string, StackResource>()
    const failed = await this.#make(next, replaced)
    if (failed.length > 0) {
      this.#set(
        'UPDATE_ROLLBACK_IN_PROGRESS',
        `The following resource(s) failed to update: [${failed.join(', ')}].`,
      )
      this.input = before
      for (const [id, old] of replaced) await this.#resources.bringBack(id, old, before.template)
      await this.#make(before, new Map())
      await this.#deleteSurplus()
      return this.#set('UPDATE_ROLLBACK_COMPLETE')
    }
    this.#set('UPDATE_COMPLETE_CLEANUP_IN_PROGRESS')
    for (const [id, old] of replaced) await this.#resources.deleteReplaced(id, old, next.template)
    await this.#deleteSurplus()
    this.#set('UPDATE_COMPLETE')
  }

  async delete(token: string | undefined): Promise<void> {
    this.#begin('DELETE_IN_PROGRESS', token)
    const left = await this.#deleteAll()
    if (left.length === 0) this.deletedAt = this.#now()
    this.#set(left.length === 0 ? 'DELETE_COMPLETE' : 'DELETE_FAILED', notDeleted(left))
  }

  /** Creates and changes resources that differ, then the outputs. @returns the failed resources, or the stack itself */
  async #make(input: StackInput, replaced: Map<string, StackResource>): Promise<string[]> {
    const around = this.#surroundings(input)
    try {
      const failed = await this.#resources.make(input, around, replaced)
      if (failed.length > 0) return failed
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

  #deleteAll(): Promise<string[]> {
    return this.#resources.delete([...this.resources.keys()], this.input.template)
  }

  async #deleteSurplus(): Promise<void> {
    const { template } = this.input
    await this.#resources.delete(this.#resources.surplus(template, this.#surroundings(this.input)), template)
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

function notDeleted(ids: readonly string[]): string | undefined {
  return ids.length === 0 ? undefined : `The following resource(s) failed to delete: [${ids.join(', ')}]. `
}
