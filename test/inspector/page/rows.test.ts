import { expect, it } from 'vitest'
import { Rows } from '../../../src/inspector/page/state/rows.js'
import { headOf } from './page-host.js'

const at = (second: number) => `2026-11-30T10:00:${String(second).padStart(2, '0')}.000Z`
const head = (id: string, second: number, change = {}) => headOf(id, { at: at(second), ...change })

it('shows the newest first, in any order of arrival', () => {
  const rows = new Rows(() => true)
  rows.put([head('b', 2), head('d', 4)], false)
  rows.putOlder([head('c', 3), head('a2', 1), head('a1', 1)], false)
  expect(rows.visible).toEqual(['d', 'c', 'b', 'a2', 'a1'])
})

it('keeps the order of the server within one millisecond, across pages', () => {
  const rows = new Rows(() => true)
  rows.put([head('e', 1), head('f', 1)], false)
  rows.putOlder([head('d', 1), head('c', 1)], false)
  rows.putOlder([head('b', 1), head('a', 1)], true)
  expect(rows.visible).toEqual(['f', 'e', 'd', 'c', 'b', 'a'])
})

it('holds new rows back while the user reads, and updates visible rows in place', () => {
  const rows = new Rows(({ state }) => state !== 'declined')
  rows.put([head('a', 1, { state: 'running' }), head('b', 2)], false)
  rows.put([head('c', 3), head('x', 4, { state: 'declined' }), head('a', 1, { state: 'declined' })], true)
  expect(rows.visible).toEqual(['b', 'a'])
  expect(rows.waiting).toBe(1)
  rows.putOlder([head('z', 0)], true)
  expect(rows.visible).toEqual(['b', 'a', 'z'])
  rows.release()
  expect(rows.visible).toEqual(['c', 'b', 'z'])
  expect(rows.waiting).toBe(0)
})

it('ignores an older answer', () => {
  const rows = new Rows(() => true)
  rows.put([head('a', 1, { state: 'error' })], false)
  rows.put([head('a', 1, { state: 'running' })], false)
  expect(rows.get('a')?.state).toBe('error')
})

it('keeps 10,000', () => {
  const rows = new Rows(() => true)
  rows.put(
    Array.from({ length: 10_010 }, (_, i) => head(`${i}`, 0, { at: new Date(i).toISOString() })),
    false,
  )
  expect(rows.size).toBe(10_000)
  expect(rows.visible[0]).toBe('10009')
  expect(rows.get('9')).toBeUndefined()
})
