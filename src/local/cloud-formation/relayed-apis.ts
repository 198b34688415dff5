import type { CloudFormationResources } from '../../deploy/template/resource.js'
import type { FunctionHost } from '../control-plane/lambda/registry.js'
import type { DebugStackCloud } from '../debug-stack/debug-stack-options.js'
import { type RelayedApi, startRelayedApi } from '../debug-stack/relayed-api.js'
import type { Template } from './template.js'

/** The surroundings of the stacks' relayed APIs. */
export interface RelayedApiCloud
  extends Pick<DebugStackCloud, 'host' | 'region' | 'accountId' | 'credentials' | 'clock' | 'function'> {
  functionHost(): FunctionHost
}

/** Serves a debug stack's WebSocket API as a whole, from its stage's creation to its deletion. */
export class RelayedApis {
  readonly #cloud: RelayedApiCloud
  /** Ids of each stack's API and relay before the API starts, by stack name. */
  readonly #ids = new Map<string, { apiId?: string; relayName?: string }>()
  readonly #open = new Map<string, RelayedApi>()

  constructor(cloud: RelayedApiCloud) {
    this.#cloud = cloud
  }

  of(stackName: string): { apiId?: string; relayName?: string } {
    const found = this.#ids.get(stackName) ?? {}
    this.#ids.set(stackName, found)
    return found
  }

  async start({ stackName, template }: RelayedStack): Promise<void> {
    const { apiId = '', relayName = '' } = this.of(stackName)
    const resources = template.Resources as CloudFormationResources
    const started = await startRelayedApi({ name: stackName, relayName, resources, apiId }, this.#cloud)
    this.#open.set(stackName, started)
  }

  /** Returns the endpoint without the API's stage; undefined before it has a stage. */
  endpointOf(stackName: string): string | undefined {
    return this.#open.get(stackName)?.api.endpoint.replace(/\/[^/]*$/, '')
  }

  /** Updates the relay from a changed template. */
  update({ stackName, template }: RelayedStack): void {
    const open = this.#open.get(stackName)
    if (open !== undefined)
      this.#cloud.functionHost().redefine(open.relayOf(template.Resources as CloudFormationResources))
  }

  async end(stackName: string): Promise<void> {
    const open = this.#open.get(stackName)
    this.#open.delete(stackName)
    await open?.close()
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.keys()].map((stackName) => this.end(stackName)))
  }
}

/** A stack with a relayed API. */
interface RelayedStack {
  readonly stackName: string
  readonly template: Template
}
