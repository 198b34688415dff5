import { canonicalJson } from '../../core/base/json.js'
import type { Template } from './template.js'

/** The input of a stack operation. */
export interface StackInput {
  readonly body: string
  readonly template: Template
  readonly parameters: ReadonlyMap<string, string>
  readonly tags: readonly (readonly [key: string, value: string])[]
  readonly capabilities: readonly string[]
}

/** Whether two inputs are equal in all parts that CloudFormation acts on. */
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

/** Whether two values are equal, ignoring the order of keys. */
export function isEqual(a: unknown, b: unknown): boolean {
  return canonicalJson(a) === canonicalJson(b)
}
