/** Writes a place in the order of a start. */
export function cursorOf(start: string, number: number): string {
  return `${start}-${number}`
}

/** Reads a cursor. @returns undefined for one of another start, or for a text that is none */
export function numberOfCursor(start: string, cursor: string | null | undefined): number | undefined {
  if (!cursor?.startsWith(`${start}-`)) return undefined
  const number = Number(cursor.slice(start.length + 1))
  return Number.isSafeInteger(number) && number >= 0 ? number : undefined
}
