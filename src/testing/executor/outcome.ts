import assert from 'node:assert/strict'
import type { LambdaError } from '../../core/base/errors.js'
import type { LogEntry, Outcome, StreamedResponse } from '../../core/contracts/executor.js'

/** Returns the parsed response of an outcome; fails for any other kind. */
export function responseIn(outcome: Outcome): unknown {
  if (outcome.kind === 'error') {
    const { errorType, errorMessage } = outcome.error
    assert.fail(`The outcome is no value but ${errorType}: ${errorMessage}`)
  }
  assert(outcome.kind === 'value', `The outcome is no value but of kind '${outcome.kind}'.`)
  return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(outcome.body))
}

/** Returns the error of an outcome; fails for any other kind. */
export function errorIn(outcome: Outcome): LambdaError {
  if (outcome.kind === 'value') {
    assert.fail(`The outcome is no error but ${new TextDecoder().decode(outcome.body.subarray(0, 200))}`)
  }
  assert(outcome.kind === 'error', `The outcome is no error but of kind '${outcome.kind}'.`)
  return outcome.error
}

/** Returns the stream of an outcome; fails for any other kind. */
export function streamIn(outcome: Outcome): StreamedResponse {
  if (outcome.kind === 'stream') return outcome
  const what = outcome.kind === 'error' ? errorIn(outcome) : responseIn(outcome)
  assert.fail(`The outcome is no stream but ${JSON.stringify(what).slice(0, 200)}`)
}

/** Collects log lines, in the order in which they come. */
export function collectLines(): { readonly lines: LogEntry[]; onLog(entry: LogEntry): void } {
  const lines: LogEntry[] = []
  return { lines, onLog: (entry) => void lines.push(entry) }
}
