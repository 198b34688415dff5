/** The JSON pointer (RFC 6901) of a field of what a pointer leads to. */
export function pointerBelow(pointer: string, name: string): string {
  return `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
}
