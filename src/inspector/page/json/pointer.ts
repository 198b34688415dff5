/** Returns the JSON pointer (RFC 6901) of a field, given the pointer of its parent. */
export function pointerBelow(pointer: string, name: string): string {
  return `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
}
