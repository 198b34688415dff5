import type { Head } from '../api/contract.js'

/** The state of an invocation in a word: an HTTP status, the type of an error. */
export function outcomeText({ state, status, errorType, streamedBytes }: Head): string {
  if (state === 'running') return streamedBytes === undefined ? state : 'streaming'
  if (state === 'value') return status === undefined ? 'ok' : String(status)
  return state === 'error' ? (errorType ?? 'error') : state
}
