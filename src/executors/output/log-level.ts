import type { LogLevel } from '../../core/contracts/executor.js'

// The longest event of CloudWatch Logs; a longer line is data rather than a log line, and slow to parse.
const LONGEST_LINE = 262_144

const NAMES: Readonly<Record<string, LogLevel>> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  WARNING: 'warn',
  ERROR: 'error',
  FATAL: 'fatal',
  CRITICAL: 'fatal',
}

/** The numbers of pino and bunyan. */
const NUMBERS: Readonly<Record<number, LogLevel>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
}

/**
 * Returns the level of a line that is a JSON object with a `level`, as in Lambda's JSON log format and most loggers'
 * output.
 */
export function levelOf(line: string): LogLevel | undefined {
  if (!line.startsWith('{') || line.length > LONGEST_LINE || !line.includes('"level"')) return undefined
  let level: unknown
  try {
    level = (JSON.parse(line) as { level?: unknown }).level
  } catch {
    return undefined
  }
  if (typeof level === 'string') return own(NAMES, level.toUpperCase())
  return typeof level === 'number' ? own(NUMBERS, level) : undefined
}

function own<K extends PropertyKey>(levels: Readonly<Record<K, LogLevel>>, name: K): LogLevel | undefined {
  return Object.hasOwn(levels, name) ? levels[name] : undefined
}
