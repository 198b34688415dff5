import type { Clock } from '../../core/base/clock.js'
import type { InspectorParts } from '../api/parts.js'
import type { Arguments } from './arguments.js'

export interface ToolCall {
  readonly parts: InspectorParts
  readonly clock: Clock
  readonly args: Arguments
  readonly signal: AbortSignal | undefined
}

/** A tool of agents. */
export interface AgentTool {
  readonly name: string
  readonly title: string
  readonly description: string
  /** JSON Schemas of the arguments, by name. */
  readonly properties: Readonly<Record<string, object>>
  readonly required?: readonly string[]
  readonly annotations: {
    readonly readOnlyHint: boolean
    readonly destructiveHint?: boolean
    readonly idempotentHint?: boolean
    readonly openWorldHint?: boolean
  }
  /** Whether the result contains data from outside. */
  readonly untrusted: boolean
  /** @throws HttpProblem, TetherError */
  run(call: ToolCall): Promise<object> | object
}

export const READ_ONLY = { readOnlyHint: true, openWorldHint: false } as const
