import type { FunctionBuild } from '../core/contracts/function-source.js'

/** The runtime for a build outside this process's own modules. */
export type RuntimeKind = 'node' | 'python' | 'custom'

/** Undefined for a handler of this process. */
export function runtimeOf(build: FunctionBuild): RuntimeKind | undefined {
  if (build.kind === 'file') return build.path.endsWith('.py') ? 'python' : 'node'
  return build.kind === 'command' ? 'custom' : undefined
}
