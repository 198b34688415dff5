import { TetherError } from '../../core/base/errors.js'
import { isObject } from '../../core/base/options.js'
import { printable } from '../../core/base/printable.js'
import type { AbortOptions } from '../../core/contracts/transport.js'
import type { StackTemplates } from './compare.js'

/** What a synthesis gives. */
export interface Synthesis {
  readonly templates: StackTemplates
  /** Absolute paths of what was read: a save of one of them is a reason for another synthesis. */
  readonly files: readonly string[]
  /** Folders whose lists were read, by absolute paths. */
  readonly folders?: readonly string[] | undefined
}

/** Where templates come from: `cdk()`, `template()`, or your own. */
export interface InfrastructureSource {
  /**
   * Makes the templates. What it throws may have `details.files`, as {@link Synthesis} has them: those are watched until it succeeds.
   * @throws TetherError `BUILD_FAILED`
   */
  synth(options: AbortOptions): Promise<Synthesis>
}

/** The error of a synthesis, with what is to be watched until it succeeds. */
export function synthFailed(
  message: string,
  details: Readonly<Record<string, unknown>> & Partial<Pick<Synthesis, 'files' | 'folders'>>,
  cause?: unknown,
): TetherError {
  return new TetherError('BUILD_FAILED', message, { details, ...(cause !== undefined && { cause }) })
}

/** What a source gave, checked. @throws TetherError `BUILD_FAILED` */
export function checkedTemplates(templates: unknown): StackTemplates {
  if (!isObject(templates))
    throw synthFailed('The source gave no object of templates by the names of stacks.', {})
  const entries = Object.entries(templates as object) as [string, unknown][]
  const wrong = entries.find(([, one]) => !isObject((one as { Resources?: unknown } | null)?.Resources))
  if (wrong === undefined) return templates as StackTemplates
  const advice = Object.hasOwn(templates as object, 'Resources')
    ? ": give the template under its stack's name"
    : ''
  throw synthFailed(
    `The source gave a template for ${printable(wrong[0])} that has no Resources${advice}.`,
    {},
  )
}
