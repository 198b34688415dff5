import type { Head } from '../api/contract.js'

/** Selects the invocations of the list. */
export interface Filter {
  /** Empty for all. */
  readonly functionId: string
  readonly kinds: ReadonlySet<FilterKind>
  /** Text in the event or in its output; the server searches for it. */
  readonly text: string
}

/** Invocations that take this long are slow. */
const SLOW_MS = 1_000

const KINDS = {
  failed: ({ state }: Head) => state === 'error',
  slow: ({ durationMs = 0 }: Head) => durationMs >= SLOW_MS,
  declined: ({ state }: Head) => state === 'declined',
  running: ({ state }: Head) => state === 'running',
  mirrored: ({ mirrored }: Head) => Boolean(mirrored),
  replayed: ({ replayed }: Head) => replayed,
} as const

export type FilterKind = keyof typeof KINDS

export const FILTER_KINDS = Object.keys(KINDS) as readonly FilterKind[]

export const NO_FILTER: Filter = { functionId: '', kinds: new Set(), text: '' }

/**
 * Whether the list shows an invocation. With several kinds, one must match.
 * @param found ids that the server found for the text
 */
export function matches(filter: Filter, head: Head, found: ReadonlySet<string>): boolean {
  if (filter.functionId !== '' && head.functionId !== filter.functionId) return false
  if (filter.text !== '' && !found.has(head.id)) return false
  return filter.kinds.size === 0 || [...filter.kinds].some((kind) => KINDS[kind](head))
}

export function isFiltering({ functionId, kinds, text }: Filter): boolean {
  return functionId !== '' || kinds.size > 0 || text !== ''
}
