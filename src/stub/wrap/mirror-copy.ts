/**
 * Returns an event's JSON, or undefined if it exceeds `maxBytes` or is nested too deeply for the stack. A clearly
 * larger event is not serialised at all: serialising runs on the function's time.
 */
export function copyWithin(event: unknown, maxBytes: number): string | undefined {
  if (!mayFit(event, maxBytes)) return undefined
  try {
    const text = JSON.stringify(event ?? null)
    return Buffer.byteLength(text) <= maxBytes ? text : undefined
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** Sums each part's minimum JSON size, until the sum exceeds the limit. */
function mayFit(event: unknown, maxBytes: number): boolean {
  const left: unknown[] = [event]
  let bytes = 0
  while (left.length > 0 && bytes <= maxBytes) {
    const part = left.pop()
    bytes += 1
    if (typeof part === 'string') bytes += part.length
    else if (Array.isArray(part)) {
      // Each element takes a byte and a comma: a long list need not be walked.
      if (bytes + 2 * part.length > maxBytes) return false
      for (const element of part) left.push(element)
    } else if (typeof part === 'object' && part !== null) {
      for (const name in part) {
        bytes += name.length
        left.push((part as Record<string, unknown>)[name])
        if (bytes + left.length > maxBytes) return false
      }
    }
  }
  return bytes <= maxBytes
}
