/** Arrays within arrays, this many levels deep. */
export function nestedArrays(levels: number): unknown {
  return JSON.parse(nestedArraysText(levels))
}

/** Objects within objects, this many levels deep. */
export function nestedObjects(levels: number, name = 'a'): unknown {
  return JSON.parse(nestedObjectsText(levels, name))
}

export function nestedArraysText(levels: number): string {
  return '['.repeat(levels) + ']'.repeat(levels)
}

export function nestedObjectsText(levels: number, name = 'a'): string {
  return `${`{"${name}":`.repeat(levels)}1${'}'.repeat(levels)}`
}
