import { describe, expect, it } from 'vitest'
import { readSources } from '../support/sources.js'
import { findReplaceableTimers } from '../support/timer-uses.js'

/** Where the date is to be the one that a test has set. */
const REPLACED_DATE = [
  // Local code's own context counts by it, as on Lambda; and what runs on Lambda.
  /^src\/(executors\/entry|stub\/relay)\//,
  // AWS's SDK signs by it, in this process.
  /^src\/(stores\/s3-presign|transports\/api-gateway\/sdk|local\/(iot\/data-plane|control-plane\/(xml-service|lambda\/api)))\.ts$/,
  /^src\/testing\//,
  // A browser's.
  /^src\/inspector\/page\//,
]

describe('timers that a test runner replaces', () => {
  it('are used by no source file', () => {
    const files = readSources()
    expect(files.has('src/core/base/timers.ts')).toBe(true)
    expect(findReplaceableTimers(files)).toEqual([])
  })

  it('nor is its date, but where a test means it', () => {
    const reading = [...readSources()]
      .filter(([, text]) => /^(?! *(\*|\/\/)).*(\bDate\.now\b|\bnew Date\(\))/m.test(text))
      .map(([file]) => file)
    expect(reading.filter((file) => !REPLACED_DATE.some((where) => where.test(file)))).toEqual([])
    expect(reading).toContain('src/stores/s3-presign.ts')
  })

  it.each([
    ['a global', 'setTimeout(wait, 1)', 'setTimeout'],
    ['one that is passed on', 'await new Promise(setImmediate)', 'setImmediate'],
    ['one of globalThis', 'globalThis.setInterval(tick, 1)', 'setInterval'],
    ['one that is destructured', 'const { clearTimeout } = globalThis', 'clearTimeout'],
    ['nextTick', 'process.nextTick(next)', 'nextTick'],
    ['one in an object', 'export const parts = { queueMicrotask }', 'queueMicrotask'],
    ["Node's module", `import { setTimeout } from 'node:timers'`, 'node:timers'],
    ["Node's module of promises", `import { setTimeout as wait } from 'timers/promises'`, 'timers/promises'],
  ])('are found: %s', (_name, text, use) => {
    expect(findReplaceableTimers(new Map([['src/a.ts', text]]))).toEqual([`src/a.ts: ${use}`])
  })

  it.each([
    `import { setTimeout } from './core/base/timers.js'\nsetTimeout(wait, 1)`,
    'socket.setTimeout(1_000)',
    'const parts = { setTimeout: wait }',
    '// setTimeout(wait, 1)\nconst text = "setTimeout"',
  ])('are not seen in %s', (text) => {
    expect(findReplaceableTimers(new Map([['src/a.ts', text]]))).toEqual([])
  })
})
