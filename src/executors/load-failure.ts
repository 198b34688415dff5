import { fileURLToPath } from 'node:url'
import { type LambdaError, TetherError } from '../core/base/errors.js'

/** Lines of a stack to search for a place. */
const LINES = 100
const LINE_CHARACTERS = 2000

const PYTHON_PLACE = /^\s*File "([^"<][^"]*)", line (\d+)/
const NODE_PLACE = /^(?:\s+at (?:.* \()?)?((?:file:\/\/)?(?:\/|[A-Z]:\\)[^:()]+):(\d+)(?::\d+\)?)?$/

/**
 * Returns the error of a reload if the code was built but failed to load. Its details have the fields of a failed
 * build.
 */
export function loadFailed({ errorType, errorMessage, trace }: LambdaError): TetherError {
  const text = `${errorType}: ${errorMessage}`
  const place = placeIn(trace)
  const where = place === undefined ? 'The code could not be loaded' : `${place.file}:${place.line}`
  return new TetherError('BUILD_FAILED', `${where}: ${text}`, {
    details: { ...place, text, errorType, trace },
  })
}

/** Returns the place of the failure in a stack: in Python the last one, in Node the first. */
function placeIn(trace: readonly string[]): { file: string; line: number } | undefined {
  const python = trace.slice(-LINES).map((line) => placeOf(PYTHON_PLACE, line))
  const node = trace.slice(0, LINES).map((line) => placeOf(NODE_PLACE, line))
  return python.findLast((place) => place !== undefined) ?? node.find((place) => place !== undefined)
}

function placeOf(pattern: RegExp, line: string): { file: string; line: number } | undefined {
  const [, place, number] = line.length > LINE_CHARACTERS ? [] : (pattern.exec(line) ?? [])
  if (place === undefined) return undefined
  try {
    return { file: place.startsWith('file:') ? fileURLToPath(place) : place, line: Number(number) }
  } catch {
    // A URL that only looks like a file URL.
    return undefined
  }
}
