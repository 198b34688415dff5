import { isUnfiltered, type Take } from './take.js'

/** Whether two cards take the same functions without a filter that divides the invocations. */
export function conflicts(a: Take | undefined, b: Take | undefined): boolean {
  if (!isUnfiltered(a) || !isUnfiltered(b)) return false
  const [ids = ['*'], others = ['*']] = [a?.functions, b?.functions]
  return ids.some((id) => others.some((other) => overlap(id, other)))
}

/** Whether a text matches both of two patterns with `*`. */
function overlap(a: string, b: string): boolean {
  // For each prefix of `a`: the lengths of prefixes of `b` that some text can match together with it.
  let reached = new Set([0])
  const skip = (set: Set<number>) => {
    for (const at of set) if (b[at] === '*') set.add(at + 1)
    return set
  }
  for (const letter of a) {
    skip(reached)
    const next = new Set<number>()
    for (const at of reached) {
      if (letter === '*') for (let end = at; end <= b.length; end++) next.add(end)
      else if (b[at] === '*') next.add(at)
      else if (b[at] === letter) next.add(at + 1)
    }
    reached = next
  }
  return skip(reached).has(b.length)
}
