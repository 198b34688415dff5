import { printable } from './printable.js'

/** The name most likely meant by a misspelt one, or undefined. At most a third of the letters may differ. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  let best: string | undefined
  let fewest = Math.floor(Math.max(name.length, 3) / 3) + 1
  for (const candidate of names.slice(0, MOST_COMPARED)) {
    if (Math.abs(candidate.length - name.length) >= fewest) continue
    const edits = editsBetween(name.toLowerCase(), candidate.toLowerCase())
    if (edits < fewest) [best, fewest] = [candidate, edits]
  }
  return best
}

/** For a message: `'api', 'jobs' and 12 more`. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, MOST_SHOWN).map((name) => `'${printable(name, LONGEST_COMPARED)}'`)
  return names.length > MOST_SHOWN
    ? `${shown.join(', ')} and ${names.length - MOST_SHOWN} more`
    : shown.join(', ')
}

/** For a message: ` (did you mean 'api'?)`, or nothing. */
export function didYouMean(name: string, names: readonly string[]): string {
  const meant = nearest(name, names)
  return meant === undefined ? '' : ` (did you mean '${printable(meant, LONGEST_COMPARED)}'?)`
}

const MOST_SHOWN = 10
// Names may come from outside, so the work for a message is bounded.
const MOST_COMPARED = 1_000
const LONGEST_COMPARED = 100

/** The Levenshtein distance: letters to insert, remove or replace. */
function editsBetween(from: string, to: string): number {
  const [a, b] = [from.slice(0, LONGEST_COMPARED), to.slice(0, LONGEST_COMPARED)]
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
