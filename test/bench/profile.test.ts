import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

interface CallFrame {
  readonly functionName: string
  readonly url: string
}
interface Source {
  readonly file: string
  readonly line: number
  readonly text: string
}
interface PartTimes {
  readonly part: string
  readonly count: number
  readonly busyMs: number
  readonly places: { name: string; text: string; selfMs: number; chargedMs: number }[]
}

// The bench is JavaScript, without types.
const bench = (file: string) =>
  import(/* @vite-ignore */ new URL(`../../bench/profile/${file}`, import.meta.url).href)
const { profileFlags } = (await bench('flags.js')) as {
  profileFlags(part: string, folder?: string): string[]
}
const { timesOf } = (await bench('times.js')) as {
  timesOf(folder: string, sourceOf: (frame: CallFrame) => Source | undefined): Promise<PartTimes[]>
}
const { report } = (await bench('report.js')) as { report(times: PartTimes): string }

const sourceOf = ({ functionName, url }: CallFrame): Source | undefined =>
  url === 'ours' ? { file: `${functionName}.ts`, line: 1, text: `function ${functionName}()` } : undefined

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bench-profile-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe('the profiles of a benchmark', () => {
  it('are written by a process and by its worker threads, even with flags of their own', async () => {
    const script = join(folder, 'party.mjs')
    const thread = `import('node:worker_threads').then(({ parentPort }) => parentPort.postMessage(1))`
    await writeFile(
      script,
      `import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
const worker = new Worker(${JSON.stringify(thread)}, { eval: true, execArgv: [], env: {} })
await once(worker, 'message')
await worker.terminate()`,
    )
    const profiles = join(folder, 'profiles')
    execFileSync(process.execPath, [...profileFlags('party', profiles), script])
    expect(await readdir(join(profiles, 'party'))).toHaveLength(2)
    const parts = await timesOf(profiles, () => undefined)
    expect(parts.map(({ part, count }) => [part, count])).toEqual([
      ['party', 1],
      ['party, worker threads', 1],
    ])
  })

  it('need no flags when none are requested', () => {
    expect(profileFlags('party')).toEqual([])
  })
})

describe('the time of a part', () => {
  const frame = (functionName: string, url = '') => ({ functionName, url, lineNumber: 0, columnNumber: 0 })
  const node = (id: number, callFrame: CallFrame, children: number[] = []) => ({ id, callFrame, children })

  async function times(): Promise<PartTimes> {
    const profile = {
      nodes: [
        node(1, frame('(root)'), [2, 3, 4, 8]),
        node(2, frame('(idle)')),
        node(3, frame('(garbage collector)')),
        node(4, frame('seal', 'ours'), [5, 6]),
        node(5, frame('createCipheriv', 'node:crypto')),
        node(6, frame('header', 'ours'), [7]),
        node(7, frame('alloc', 'node:buffer')),
        node(8, frame('receive', 'file:///x/node_modules/@a/b/node_modules/ws/lib/receiver.js')),
      ],
      // Each lasts until the next: the last one is not counted.
      samples: [2, 4, 5, 6, 7, 3, 8, 2],
      timeDeltas: [0, 100_000, 1_000, 20_000, 4_000, 8_000, 16_000, 32_000],
    }
    await mkdir(join(folder, 'session'))
    await writeFile(
      join(folder, 'session', 'CPU.20261121.120000.1.0.001.cpuprofile'),
      JSON.stringify(profile),
    )
    const [part] = await timesOf(folder, sourceOf)
    return part!
  }

  it('is charged to the function of this repository that caused it, without idle time', async () => {
    const { busyMs, places } = await times()
    const charged = Object.fromEntries(
      places.map(({ name, selfMs, chargedMs }) => [name, [selfMs, chargedMs]]),
    )
    expect(charged).toMatchObject({
      'seal.ts:1': [1, 21],
      'header.ts:1': [4, 12],
      '(garbage collector)': [0, 16],
      '(ws)': [0, 32],
    })
    expect(busyMs).toBe(81)
  })

  it('is reported in descending order of cost', async () => {
    const lines = report(await times()).split('\n')
    expect(lines[1]).toBe('session (1): 81 ms busy')
    expect(lines[3]).toMatch(/^ +32\.0 +0\.0 {2}\(ws\)$/)
    expect(lines[4]).toMatch(/^ +21\.0 +1\.0 {2}seal\.ts:1 {2}function seal\(\)$/)
  })
})
