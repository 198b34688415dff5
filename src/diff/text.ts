import { asText, printable } from '../core/base/printable.js'
import type { DiffChange } from './changes.js'

const MOST_LINES = 20
const VALUE_CHARACTERS = 100
const PATH_CHARACTERS = 200

/** Formats a difference for people: a line for each change, safe to print. */
export function diffText(changes: readonly DiffChange[], skipped: readonly string[]): string {
  const lines = changes.slice(0, MOST_LINES).map(lineOf)
  if (changes.length > MOST_LINES) lines.push(`… and ${changes.length - MOST_LINES} more changes`)
  if (changes.length === 0) lines.push('No difference.')
  if (skipped.length > 0) lines.push(`Not compared, since the recording is redacted: ${listed(skipped)}`)
  return lines.join('\n')
}

function lineOf({ path, kind, before, after }: DiffChange): string {
  const place = path === '' ? 'everything' : printable(path, PATH_CHARACTERS)
  if (kind === 'added') return `+ ${place}: ${shown(after)}`
  if (kind === 'removed') return `- ${place}: ${shown(before)}`
  return `~ ${place}: ${shown(before)} → ${shown(after)}`
}

function listed(paths: readonly string[]): string {
  const shownPaths = paths.slice(0, MOST_LINES).map((path) => printable(path, PATH_CHARACTERS))
  return shownPaths.join(', ') + (paths.length > MOST_LINES ? ` and ${paths.length - MOST_LINES} more` : '')
}

function shown(value: unknown): string {
  return printable(jsonOf(value), VALUE_CHARACTERS)
}

// JSON.stringify() overflows the stack on deeply nested values.
function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? asText(value)
  } catch {
    return asText(value)
  }
}
