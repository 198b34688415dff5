import { readdirSync, readFileSync } from 'node:fs'
import { vi } from 'vitest'

/** Whether a process is there and no zombie. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

/** Waits until a process is gone. */
export function goneSoon(pid: number): Promise<void> {
  return vi.waitFor(
    () => {
      if (isAlive(pid)) throw new Error(`Process ${pid} is still there.`)
    },
    { timeout: 15_000, interval: 10 },
  )
}

/** The living children of this process whose command line has a text. */
export function childrenWith(text: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const [, parent] = /^\d+ \(.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? []
        return Number(parent) === process.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text)
      } catch {
        return false
      }
    })
}
