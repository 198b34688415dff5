const MAX_ITEMS = 50

/** One page of a list, with a marker for the next. */
export interface Page<T> {
  readonly items: T[]
  readonly NextMarker?: string
}

/** Returns the page of a list that `Marker` and `MaxItems` select; at most 50 items, as on Lambda. */
export function pageOf<T>(all: readonly T[], query: ReadonlyMap<string, string>): Page<T> {
  const start = Number(Buffer.from(query.get('Marker') ?? '', 'base64').toString('utf8'))
  const end = start + Math.min(MAX_ITEMS, Number(query.get('MaxItems') ?? MAX_ITEMS))
  return {
    items: all.slice(start, end),
    // Opaque, as on Lambda, so that clients cannot compute with it.
    ...(end < all.length ? { NextMarker: Buffer.from(String(end)).toString('base64') } : {}),
  }
}
