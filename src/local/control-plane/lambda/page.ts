const MAX_ITEMS = 50

/** One page of a list, and where the next begins. */
export interface Page<T> {
  readonly items: T[]
  readonly NextMarker?: string
}

/** What a request's `Marker` and `MaxItems` ask for of a list; Lambda gives 50 at most. */
export function pageOf<T>(all: readonly T[], query: ReadonlyMap<string, string>): Page<T> {
  const start = Number(Buffer.from(query.get('Marker') ?? '', 'base64').toString('utf8'))
  const end = start + Math.min(MAX_ITEMS, Number(query.get('MaxItems') ?? MAX_ITEMS))
  return {
    items: all.slice(start, end),
    // Opaque, as on Lambda: nobody shall count with it.
    ...(end < all.length ? { NextMarker: Buffer.from(String(end)).toString('base64') } : {}),
  }
}
