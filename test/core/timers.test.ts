import { describe, expect, it } from 'vitest'
import { readSources } from '../support/sources.js'
import { findReplaceableTimers } from '../support/timer-uses.js'

describe('timers that a test runner replaces', () => {
  it('are used by no source file', () => {
    const files = readSources()
    expect(files.has('src/core/base/timers.ts')).toBe(true)
    expect(findReplaceableTimers(files)).toEqual([])
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
