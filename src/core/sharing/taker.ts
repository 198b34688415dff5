import { compilePattern } from '../pattern/event-pattern.js'
import { wildcardMatcher } from '../pattern/wildcard.js'
import { httpRequest, type Invoked, recordsOf } from './carriers.js'
import { isMarked } from './marker.js'
import { httpPattern, isUnfiltered, type Take } from './take.js'

/** How a card takes an invocation: by a filter, as one of its functions alone, or not. */
export type Taking = 'filtered' | 'unfiltered' | undefined

/** A card, ready for many invocations. */
export type Taker = (invoked: Invoked) => Taking

/**
 * Makes a card ready. One that is no valid one takes nothing, nor one that asks for more than is known here: a session of another version
 * may have written it.
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

// A backslash in an id is one; two asterisks are as good as one.
function functionMatcher(id: string): (functionId: string) => boolean {
  return wildcardMatcher('functions', id.replaceAll('\\', '\\\\').replace(/\*+/g, '*'))
}
