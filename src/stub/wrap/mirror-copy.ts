/**
 * An event's JSON, or undefined where it has more than `maxBytes` or is nested too deeply for the stack. What is clearly
 * larger is not serialised at all: the function's own time pays for it.
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

/** Adds up the least that each part takes in JSON, until that is too much. */
function mayFit(event: unknown, maxBytes: number): boolean {
  const left: unknown[] = [event]
  let bytes = 0
  while (left.length > 0 && bytes <= maxBytes) {
    const part = left.pop()
    bytes += 1
    if (typeof part === 'string') bytes += part.length
    else if (Array.isArray(part)) {
      // Each element takes a byte and a comma: a long list is not even looked at.
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
