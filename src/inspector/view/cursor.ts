/** Encodes a position within a start of the host. */
export function cursorOf(start: string, number: number): string {
  return `${start}-${number}`
}

/** Reads a cursor. @returns undefined for a cursor of another start, and for an invalid one */
export function numberOfCursor(start: string, cursor: string | null | undefined): number | undefined {
  if (!cursor?.startsWith(`${start}-`)) return undefined
  const number = Number(cursor.slice(start.length + 1))
  return Number.isSafeInteger(number) && number >= 0 ? number : undefined
}
