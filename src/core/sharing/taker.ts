import { compilePattern } from '../pattern/event-pattern.js'
import { wildcardMatcher } from '../pattern/wildcard.js'
import { httpRequest, type Invoked, recordsOf } from './carriers.js'
import { isMarked } from './marker.js'
import { httpPattern, isUnfiltered, type Take } from './take.js'

/** How a card takes an invocation: by a filter, by its function alone, or not at all. */
export type Taking = 'filtered' | 'unfiltered' | undefined

/** A card compiled for many invocations. */
export type Taker = (invoked: Invoked) => Taking

/**
 * Compiles a card. An invalid card takes nothing, nor does a card with unknown conditions, which a session of another
 * version may have written.
 */
export function takerOf(take: Take | undefined): Taker {
  if (take === undefined) return () => 'unfiltered'
  try {
    return compile(take)
  } catch {
    return () => undefined
  }
}

function compile(take: Take): Taker {
  const { functions, event, http, marker, ...unknown } = take
  if (Object.keys(unknown).length > 0) return () => undefined
  const ids = functions?.map((id) => functionMatcher(id))
  const tests: ((invoked: Invoked) => boolean)[] = []
  if (marker !== undefined) tests.push((invoked) => isMarked(invoked, marker))
  if (http !== undefined) {
    const matches = compilePattern('http', httpPattern(http))
    tests.push((invoked) => {
      const request = httpRequest(invoked.event)
      return request !== undefined && matches(request)
    })
  }
  if (event !== undefined) {
    const matches = compilePattern('event', event)
    tests.push((invoked) => {
      const records = recordsOf(invoked.event)
      return records === undefined ? matches(invoked.event) : records.length > 0 && records.every(matches)
    })
  }
  const filtering: Taking = isUnfiltered(take) ? 'unfiltered' : 'filtered'
  return (invoked) => {
    if (ids !== undefined && !ids.some((matches) => matches(invoked.functionId))) return undefined
    return tests.every((test) => test(invoked)) ? filtering : undefined
  }
}

// In an id, a backslash is literal, and two asterisks are equivalent to one.
function functionMatcher(id: string): (functionId: string) => boolean {
  return wildcardMatcher('functions', id.replaceAll('\\', '\\\\').replace(/\*+/g, '*'))
}
