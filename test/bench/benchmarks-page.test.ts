import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

interface Figure {
  readonly id: string
  readonly at: string
  readonly commit: string
  readonly result?: object
  readonly error?: string
}
interface Subjects {
  readonly quick: boolean
  readonly transports: readonly string[]
  readonly brokered: readonly string[]
}
type Figures = Map<string, Figure>

// The bench is JavaScript, without types.
const root = fileURLToPath(new URL('../..', import.meta.url))
const bench = (file: string) =>
  import(/* @vite-ignore */ new URL(`../../bench/page/${file}`, import.meta.url).href)
const { writePage } = (await bench('write.js')) as {
  writePage(folder: string, figures: Figures, subjects: Subjects): Promise<void>
}
const { readFigures } = (await bench('figures.js')) as { readFigures(path: string): Promise<Figures> }
const { measure } = (await bench('measure.js')) as {
  measure(benchmark: string, args: string[]): Promise<{ result?: object; error?: string }>
}

const facts = { at: '2026-11-21T12:00:00.000Z', commit: 'abc1234' }
const machine = {
  id: 'machine',
  ...facts,
  result: {
    cpu: 'A CPU',
    cpus: 2,
    memoryGb: 8,
    system: 'Linux x64',
    load: 0.1,
    versions: { node: '20.0.0' },
  },
}
const stub = {
  id: 'stub iot',
  ...facts,
  result: { bytes: 97_500, gzipBytes: 33_000, loadMs: 30, emptyLoadMs: 20 },
}
const coldMqtt = {
  id: 'cold mqtt',
  ...facts,
  result: { coldMs0: 90, coldMs45: 405, emptyMs: 30, roundTrips45: 7, leastRoundTrips: 4 },
}
const row = { connections: 1, messages: 2, lost: 0, p50Ms: 4, p99Ms: 9 }
const throughputMqtt = {
  id: 'throughput mqtt',
  ...facts,
  result: { rows: [{ ...row, stubs: 8, invocationsPerSecond: 1_500, echoesPerSecond: 6_000 }] },
}
const throughputIot = {
  id: 'throughput iot',
  ...facts,
  result: {
    rows: [{ ...row, stubs: 8, invocationsPerSecond: 42.5, limitPerSecond: 50, discardedByBroker: 1 }],
  },
}
const cost = {
  id: 'cost cost',
  ...facts,
  result: { bareUs: 40, inlineUs: 220, threadsUs: 440, inlineRatio: 5.5, threadsRatio: 11 },
}
const start = {
  id: 'start start',
  ...facts,
  result: { importMs: 200, openMs: 300, answerMs: 420, openRatio: 1.5, answerRatio: 2.1 },
}

/** What the page in docs was written from; nothing before the benchmarks have run. */
const written = await readFigures(join(root, 'docs/benchmarks/figures.jsonl'))

describe('the page of benchmarks', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'benchmarks-page-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  async function page(...figures: Figure[]): Promise<string> {
    const subjects = { quick: false, transports: ['memory', 'mqtt', 'iot'], brokered: ['mqtt', 'iot'] }
    await writePage(folder, new Map([machine, ...figures].map((figure) => [figure.id, figure])), subjects)
    return readFile(join(folder, 'benchmarks.md'), 'utf8')
  }

  it('has each figure beside its floor, with the ratio', async () => {
    const text = await page(stub, coldMqtt)
    expect(text).toContain('2026-11-21, commit abc1234: 2 × A CPU, 8 GB, Linux x64; node 20.0.0.')
    expect(text).toContain('| iot | 97.5 KB | 33 KB | 30 ms | 20 ms | 1.50 × (+10 ms) |')
    expect(text).toContain('| mqtt | 90 ms | 30 ms | 3.00 × | 405 ms | 7 | 4 | 1.75 × |')
  })

  it('has the processor time of an invocation beside the bare work, and the start of a host beside its imports', async () => {
    const text = await page(cost, start)
    expect(text).toContain('| inline | 220 µs | 40 µs | 5.50 × |')
    expect(text).toContain('| threads | 440 µs | 40 µs | 11 × |')
    expect(text).toContain('| session open | 300 ms | 200 ms | 1.50 × |')
    expect(text).toContain('| first answer | 420 ms | 200 ms | 2.10 × |')
  })

  it('has plots with their values, and no invalid number', async () => {
    const text = await page(stub, coldMqtt)
    expect(text).toContain('![Cold start to first answer](benchmarks/cold.svg)')
    const svg = await readFile(join(folder, 'benchmarks/cold.svg'), 'utf8')
    expect(svg).toContain('>405 ms</text>')
    expect(svg).toContain('>floor 30 ms</text>')
    expect(text + svg).not.toMatch(/NaN|undefined|Infinity/)
  })

  it('has throughput beside the limit of a connection, or beside raw echoes without a limit', async () => {
    const text = await page(throughputMqtt, throughputIot)
    expect(text).toContain('| iot: 1, 2 messages | 42.5 | 50 | 0.85 × | 4.0 ms | 9.0 ms | 0 | 1 |')
    expect(text).toContain('| mqtt: 8 | 1,500 | 6,000 | 0.25 × | 4.0 ms | 9.0 ms | 0 | – |')
    expect(await page(throughputMqtt)).not.toContain("the session's connections")
  })

  it('reports a failed run, and keeps the results of the others', async () => {
    const text = await page(coldMqtt, { id: 'cold iot', ...facts, error: 'Error: it broke' })
    expect(text).toContain('> **`cold iot` failed:** Error: it broke')
    expect(text).toContain('| mqtt | 90 ms |')
  })

  it('names missing measurements, and measurements at another commit', async () => {
    const text = await page({ ...stub, commit: 'def5678' })
    expect(text).toContain('> `cold mqtt` has not been measured.')
    expect(text).toContain('Measured at def5678.')
  })

  it.skipIf(written.size === 0)('matches the page in docs', async () => {
    // Those that it was written for are those that have figures.
    const ids = [...written.keys()].filter((id) => id.startsWith('roundtrip '))
    const transports = ids.map((id) => id.split(' ')[1]!)
    const brokered = transports.filter((name) => name !== 'memory')
    const subjects = { quick: false, transports, brokered }
    const comparison = readFileSync(join(root, 'docs/transports.md'), 'utf8')
    await writeFile(join(folder, 'transports.md'), comparison.replace(/^\| warm, 1 KB .*$/m, ''))
    await writePage(folder, written, subjects)
    const pages = ['benchmarks.md', 'transports.md']
    for (const file of [...pages, 'benchmarks/roundtrip.svg', 'benchmarks/throughput.svg'])
      expect(await readFile(join(folder, file), 'utf8')).toBe(readFileSync(join(root, 'docs', file), 'utf8'))
  })
})

describe('the builds that a benchmark measures', () => {
  it('are this build, and the build of another checkout if it exists', async () => {
    const { builds } = (await import(
      /* @vite-ignore */ new URL('../../bench/builds/build.js', import.meta.url).href
    )) as { builds(against?: string): Record<string, string> }
    expect(Object.keys(builds())).toEqual(['now'])
    const other = await mkdtemp(join(tmpdir(), 'benchmarks-build-'))
    try {
      expect(() => builds(other)).toThrow('has no build')
      await mkdir(join(other, 'dist'))
      await writeFile(join(other, 'dist/index.js'), '')
      expect(builds(other)).toEqual({ now: root, before: other })
    } finally {
      await rm(other, { recursive: true })
    }
  })
})

describe('a benchmark that cannot be measured', () => {
  it('is an error in one line, without the folders of this machine', async () => {
    const { error } = await measure('no-such', [])
    expect(error).toMatch(/^There is no benchmark 'no-such'; there are .*roundtrip/)
    expect(error).not.toContain(root)
  })

  it('has the error that it threw', async () => {
    const { error } = await measure('rebuild', ['--no-such-option'])
    expect(error).toMatch(/^TypeError \[ERR_PARSE_ARGS_UNKNOWN_OPTION\]: Unknown option/)
  })
})
