import { TetherError } from '../../core/base/errors.js'
import { isObject } from '../../core/base/options.js'
import { printable } from '../../core/base/printable.js'
import type { AbortOptions } from '../../core/contracts/transport.js'
import type { StackTemplates } from './compare.js'

/** The result of a synthesis. */
export interface Synthesis {
  readonly templates: StackTemplates
  /** Absolute paths of the files that were read. Saving one of them starts another synthesis. */
  readonly files: readonly string[]
  /** Absolute paths of the folders that were listed. */
  readonly folders?: readonly string[] | undefined
}

/** The source of templates: `cdk()`, `template()`, or your own. */
export interface InfrastructureSource {
  /**
   * Makes the templates. Its errors may carry `details.files`, as in {@link Synthesis}: those files are watched until a
   * synthesis succeeds.
   * @throws TetherError `BUILD_FAILED`
   */
  synth(options: AbortOptions): Promise<Synthesis>
}

/** Returns the error of a synthesis, with the files to watch until it succeeds. */
export function synthFailed(
  message: string,
  details: Readonly<Record<string, unknown>> & Partial<Pick<Synthesis, 'files' | 'folders'>>,
  cause?: unknown,
): TetherError {
  return new TetherError('BUILD_FAILED', message, { details, ...(cause !== undefined && { cause }) })
}

/** Checks the templates of a source. @throws TetherError `BUILD_FAILED` */
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
