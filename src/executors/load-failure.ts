import { fileURLToPath } from 'node:url'
import { type LambdaError, TetherError } from '../core/base/errors.js'

/** How much of a stack is looked at for a place. */
const LINES = 100
const LINE_CHARACTERS = 2000

const PYTHON_PLACE = /^\s*File "([^"<][^"]*)", line (\d+)/
const NODE_PLACE = /^(?:\s+at (?:.* \()?)?((?:file:\/\/)?(?:\/|[A-Z]:\\)[^:()]+):(\d+)(?::\d+\)?)?$/

/** The error of a reload whose code was built and could not be loaded: details as those of a build that failed. */
export function loadFailed({ errorType, errorMessage, trace }: LambdaError): TetherError {
  const text = `${errorType}: ${errorMessage}`
  const place = placeIn(trace)
  const where = place === undefined ? 'The code could not be loaded' : `${place.file}:${place.line}`
  return new TetherError('BUILD_FAILED', `${where}: ${text}`, {
    details: { ...place, text, errorType, trace },
  })
}

/** Where a stack says that it failed: Python names that place last, Node first. */
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
    // A URL that only looks like a file's.
    return undefined
  }
}
