/** The JSON pointer (RFC 6901) of a field. */
export function fieldPointer(path: string, name: string): string {
  return `${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
}

/** Returns a function that tells whether a pointer is in the list; a segment `*` matches any segment. */
export function pointerMatcher(pointers: readonly string[]): (path: string) => boolean {
  if (pointers.length === 0) return () => false
  const patterns = pointers.map((pointer) => pointer.split('/'))
  return (path) => {
    const segments = path.split('/')
    return patterns.some(
      (pattern) =>
        pattern.length === segments.length &&
        pattern.every((segment, index) => segment === '*' || segment === segments[index]),
    )
  }
}
