import { randomBytes } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { type Entry, Ledger } from '../../src/core/session/ledger.js'
import { ManualClock } from '../support/manual-clock.js'

const TWO_MINUTES_MS = 120_000
const SWEEP_MS = 10_000

function entryOf(id: string, deadline: number): Entry {
  return {
    id,
    functionId: 'api',
    deadline,
    invocation: undefined,
    from: 'environment-1',
    startedAt: deadline - 1_000,
    mirrored: false,
    abort: new AbortController(),
    taken: true,
    acked: true,
    answered: true,
    state: 'running',
    answerBytes: 0,
    sending: undefined,
    sendingAt: 0,
    timers: new Set(),
  }
}

const ledgerAt = (clock: ManualClock) => new Ledger(clock, 1_000_000, () => {})

describe('an invocation that is over', () => {
  it('is known by its id alone until two minutes after its deadline', () => {
    const clock = new ManualClock()
    const ledger = ledgerAt(clock)
    const entry = entryOf('one', clock.now() + 900_000)
    ledger.add(entry)
    ledger.answer(entry, { type: 'result', id: 'one', body: new Uint8Array(10) }, 10)
    expect(ledger.get('one')).toBe(entry)
    ledger.settle(['one'], 'another environment')
    expect(ledger.get('one')).toBe(entry)
    ledger.settle(['one'], entry.from)
    expect(ledger.get('one')).toBeUndefined()
    expect(ledger.entries()).toEqual([])

    clock.jump(900_000 + TWO_MINUTES_MS)
    ledger.bury('two')
    expect(ledger.knows('one')).toBe(true)
    clock.jump(SWEEP_MS)
    ledger.bury('three')
    expect(ledger.knows('one')).toBe(false)
    expect(ledger.knows('two')).toBe(true)
  })

  it('is not forgotten sooner because its stub gives it up again', () => {
    const clock = new ManualClock()
    const ledger = ledgerAt(clock)
    const entry = entryOf('one', clock.now() + 900_000)
    ledger.add(entry)
    ledger.end(entry)
    ledger.bury('one')
    clock.jump(900_000)
    ledger.bury('two')
    expect(ledger.knows('one')).toBe(true)
  })

  it('is not known when nothing ran it', () => {
    const clock = new ManualClock()
    const ledger = ledgerAt(clock)
    const entry = entryOf('one', clock.now() + 1_000)
    ledger.add(entry)
    ledger.end(entry)
    ledger.remove(entry)
    expect(ledger.knows('one')).toBe(false)
  })

  it('takes little: a session may have had hundreds of thousands', () => {
    const clock = new ManualClock()
    const ledger = ledgerAt(clock)
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    collect()
    const before = process.memoryUsage().heapUsed
    for (let i = 0; i < 20_000; i++) {
      const entry = entryOf(randomBytes(16).toString('hex'), clock.now() + 1_000)
      ledger.add(entry)
      const id = entry.id
      ledger.answer(entry, { type: 'result', id, body: new Uint8Array(10) }, 10)
      ledger.settle([id], entry.from)
    }
    collect()
    // A whole entry takes 1,200 bytes, its id and its time 150.
    expect((process.memoryUsage().heapUsed - before) / 20_000).toBeLessThan(400)
    expect(ledger.knows('one')).toBe(false)
  })
})
