import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  openRecordings,
  type Recorder,
  type RecorderStatus,
  type RecordOptions,
  record,
} from '../../src/recorder/index.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

let root: string
let folder: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'recordings-'))
  folder = join(root, 'kept')
})
afterEach(() => rm(root, { recursive: true, force: true }))

/** A session whose function answers with its event, and its recorder. */
class Recorded implements AsyncDisposable {
  readonly statuses: RecorderStatus[] = []
  readonly recorder: Recorder
  readonly #tether = new Tether()
  readonly #call: ReturnType<Tether['stub']>
  readonly #opened: Promise<unknown>

  constructor(options: RecordOptions = { folder }, listens = true) {
    const session = this.#tether.session()
    this.recorder = record(session, options)
    if (listens) this.recorder.on('status', (status) => this.statuses.push(status))
    session.serve({ functions: { api: async (event: unknown) => event } })
    this.#opened = session.open()
    this.#call = this.#tether.stub()
  }

  async invoke(...events: unknown[]): Promise<void> {
    await this.#opened
    for (const event of events) expect(await this.#call(event, stubContext())).toEqual(event)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened
    await this.recorder.close()
    await this.#tether[Symbol.asyncDispose]()
  }
}

async function recordedEvents(at = folder): Promise<unknown[]> {
  const events: unknown[] = []
  for await (const { event } of openRecordings(at).records()) events.push(event)
  return events
}

const files = async () => (await readdir(folder)).filter((name) => name.endsWith('.jsonl')).sort()
const mode = async (...path: string[]) => ((await stat(join(folder, ...path))).mode & 0o777).toString(8)

describe('a folder of recordings', () => {
  it('reads records back without their secrets', async () => {
    {
      await using recorded = new Recorded()
      await recorded.invoke({ order: 1, password: 'hunter2' }, { order: 2, password: 'hunter2' })
    }
    const recordings = openRecordings(folder)
    const heads = await recordings.heads()
    expect(heads).toMatchObject([
      { functionId: 'api', outcome: 'value', trigger: 'direct', requestId: stubContext().awsRequestId },
      { functionId: 'api', outcome: 'value' },
    ])
    const kept = await recordings.get(heads[1]!.id)
    expect(kept).toMatchObject({
      id: heads[1]!.id,
      event: { order: 2, password: expect.stringMatching(/^\[redacted:sha256:[0-9a-f]{8}\]$/) },
      outcome: { kind: 'value', value: { order: 2 } },
      variables: ['TABLE', 'AWS_REGION'],
      logs: [],
      redacted: ['/event/password', '/outcome/value/password'],
    })
    // The same secret has the same mark.
    const other = (await recordings.get(heads[0]!.id))!.event as { password: string }
    expect((kept!.event as { password: string }).password).toBe(other.password)
    expect(await recordings.get('none')).toBeUndefined()
  })

  it('marks a secret alike in a later session', async () => {
    for (const order of [1, 2]) {
      await using recorded = new Recorded()
      await recorded.invoke({ order, password: 'hunter2' })
    }
    const [first, second] = (await recordedEvents()) as { password: string }[]
    expect(first!.password).toBe(second!.password)
  })

  it.skipIf(process.platform === 'win32')('is for its user alone', async () => {
    await mkdir(folder, { mode: 0o755 })
    const body = 'x'.repeat(70_000)
    {
      await using recorded = new Recorded()
      await recorded.invoke({ body })
    }
    expect(await mode()).toBe('700')
    expect(await mode('blobs')).toBe('700')
    const within = (await readdir(folder, { recursive: true })).filter((name) => name !== 'blobs')
    expect(within).toHaveLength(4)
    for (const name of within) expect(await mode(name), name).toBe('600')
    expect((await readFile(join(folder, '.gitignore'), 'utf8')).split('\n')).toContain('*')
  })

  it('keeps large bodies beside, once', async () => {
    const body = 'x'.repeat(70_000)
    {
      await using recorded = new Recorded()
      await recorded.invoke({ body }, { body })
    }
    expect(await readdir(join(folder, 'blobs'))).toHaveLength(1)
    expect(await recordedEvents()).toEqual([{ body }, { body }])
    const [head] = await openRecordings(folder).heads()
    expect(head!.eventBytes).toBe(JSON.stringify({ body }).length)
    const [blob] = await readdir(join(folder, 'blobs'))
    await appendFile(join(folder, 'blobs', blob!), 'more')
    await expect(openRecordings(folder).get(head!.id)).rejects.toMatchObject({ code: 'STORE_FAILED' })
    await rm(join(folder, 'blobs', blob!))
    await expect(openRecordings(folder).get(head!.id)).rejects.toThrow('cannot be read')
  })

  it('reads every complete record wherever a crash has cut the last', async () => {
    {
      await using recorded = new Recorded()
      await recorded.invoke({ order: 1 }, { order: 2 }, { order: 3, text: '{"ä": [1, "]}\\""}' })
    }
    const [name] = await files()
    const whole = await readFile(join(folder, name!))
    const last = whole.subarray(0, -1).lastIndexOf(0x0a) + 1
    const cut = join(root, 'cut')
    await mkdir(cut)
    const recordings = openRecordings(cut)
    await writeFile(join(cut, name!), whole)
    for (let end = whole.length; end >= last; end--) {
      await truncate(join(cut, name!), end)
      const expected = end >= whole.length - 1 ? 3 : 2
      if (end % 16 === 0) expect(await recordings.heads(), `cut at ${end}`).toHaveLength(expected)
      expect((await recordedEvents(cut)).length, `cut at ${end}`).toBe(expected)
    }
  })

  it('continues in a new file, so that nothing is glued to a half line', async () => {
    {
      await using recorded = new Recorded()
      await recorded.invoke({ order: 1 }, { order: 2 })
    }
    const path = join(folder, (await files())[0]!)
    await writeFile(path, (await readFile(path)).subarray(0, -10))
    {
      await using recorded = new Recorded()
      await recorded.invoke({ order: 3 })
    }
    expect(await recordedEvents()).toEqual([{ order: 1 }, { order: 3 }])
    expect(await files()).toHaveLength(2)
  })

  it('is shared by two sessions at once', async () => {
    {
      await using one = new Recorded()
      await using other = new Recorded()
      await Promise.all([one.invoke({ order: 1 }, { order: 2 }), other.invoke({ order: 3 }, { order: 4 })])
    }
    expect(await files()).toHaveLength(2)
    expect((await recordedEvents()).map((event) => (event as { order: number }).order).sort()).toEqual([
      1, 2, 3, 4,
    ])
    expect(await openRecordings(folder).heads()).toHaveLength(4)
  })

  it('keeps the configured number of records, as whole files, with the bodies that they name', async () => {
    const body = (order: number) => ({ order, body: `${order}`.repeat(70_000) })
    const age = async () => {
      const then = new Date(Date.now() - 3_600_000)
      for (const name of await readdir(folder, { recursive: true }))
        await utimes(join(folder, name), then, then)
    }
    for (const order of [1, 2, 3]) {
      await using recorded = new Recorded({ folder, keep: { count: 100, bytes: 150_000 } })
      await recorded.invoke(body(order))
      await recorded.recorder.close()
      await age()
    }
    await using last = new Recorded({ folder, keep: { count: 100, bytes: 150_000 } })
    await last.invoke(body(2))
    await last.recorder.close()
    expect(await recordedEvents()).toEqual([body(2), body(3), body(2)])
    expect(await readdir(join(folder, 'blobs'))).toHaveLength(2)
  })

  it('removes expired files, but not a file that another session writes', async () => {
    await using other = new Recorded()
    await other.invoke({ order: 1 })
    await other.recorder.flush()
    {
      await using recorded = new Recorded({ folder, keep: { days: 0 } })
      await recorded.invoke({ order: 2 })
    }
    expect(await recordedEvents()).toHaveLength(2)
    for (const name of await files()) await utimes(join(folder, name), 0, 0)
    {
      await using recorded = new Recorded({ folder, keep: { days: 0 } })
      await recorded.invoke({ order: 3 })
    }
    expect(await recordedEvents()).toEqual([{ order: 3 }])
  })

  it('begins another file before one is as large as the folder may be', async () => {
    {
      await using recorded = new Recorded({ folder, keep: { count: 8 } })
      for (let order = 1; order <= 5; order++) {
        await recorded.invoke({ order })
        await recorded.recorder.flush()
      }
    }
    expect(await files()).toHaveLength(3)
    expect((await recordedEvents()).length).toBe(5)
  })

  it('has no records if it does not exist', async () => {
    expect(await openRecordings(folder).heads()).toEqual([])
    expect(await openRecordings(folder).get('a')).toBeUndefined()
  })

  it('of a later format is refused, with both numbers', async () => {
    {
      await using recorded = new Recorded()
      await recorded.invoke({})
    }
    const path = join(folder, (await files())[0]!)
    const line = await readFile(path, 'utf8')
    await writeFile(path, line.replace('{"tether":1,', '{"tether":2,'))
    for (const read of [() => openRecordings(folder).heads(), () => recordedEvents()])
      await expect(read()).rejects.toMatchObject({
        code: 'UNSUPPORTED',
        message: expect.stringMatching(/format 2, .* reads format 1/),
      })
  })

  it('is read after another program rewrote a line, and unknown fields are ignored', async () => {
    {
      await using recorded = new Recorded()
      await recorded.invoke({ order: 1 })
    }
    const path = join(folder, (await files())[0]!)
    const { head, ...others } = JSON.parse(await readFile(path, 'utf8'))
    await writeFile(path, `${JSON.stringify({ ...others, later: [1], head: { ...head, more: 1 } })}\n`)
    expect(await openRecordings(folder).heads()).toMatchObject([{ id: head.id }])
    expect(await recordedEvents()).toEqual([{ order: 1 }])
  })
})

describe('a recorder', () => {
  it('touches no folder before the first record', async () => {
    await using recorded = new Recorded()
    await recorded.recorder.close()
    expect(existsSync(folder)).toBe(false)
  })
})

describe('a recorder that cannot write', () => {
  it('reports it, and continues in memory', async () => {
    await writeFile(folder, 'a file')
    await using recorded = new Recorded()
    await recorded.invoke({ order: 1 })
    await recorded.recorder.flush()
    expect(recorded.statuses).toMatchObject([{ state: 'stopped', error: { code: 'STORE_FAILED' } }])
    expect(recorded.recorder.status.state).toBe('stopped')
    await recorded.invoke({ order: 2 })
    expect(recorded.recorder.records().map(({ event }) => event)).toEqual([{ order: 1 }, { order: 2 }])
  })

  it('leaves a folder alone that holds other files', async () => {
    await mkdir(folder, { mode: 0o755 })
    await writeFile(join(folder, 'package.json'), '{}')
    await using recorded = new Recorded()
    await recorded.invoke({ order: 1 })
    await recorded.recorder.flush()
    expect(recorded.statuses).toMatchObject([
      {
        state: 'stopped',
        error: { code: 'INVALID_OPTION', message: expect.stringContaining('holds other files') },
      },
    ])
    expect(await readdir(folder)).toEqual(['package.json'])
    expect(await mode()).toBe('755')
  })

  it('warns if there is no listener', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    try {
      await writeFile(folder, 'a file')
      await using recorded = new Recorded({ folder }, false)
      await recorded.invoke({ order: 1 })
      await recorded.recorder.flush()
      expect(warn).toHaveBeenCalledWith(expect.stringContaining(folder), 'LambdaTetherRecorderWarning')
    } finally {
      warn.mockRestore()
    }
  })

  const canMount = process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/bin/mount')
  it.skipIf(!canMount)(
    'because the disk is full leaves whole records and a session that runs (needs root)',
    async () => {
      await mkdir(folder)
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder])
      try {
        await using recorded = new Recorded()
        const events = Array.from({ length: 40 }, (_, order) => ({ order, text: 'y'.repeat(2_000) }))
        await recorded.invoke(...events)
        await recorded.recorder.flush()
        expect(recorded.statuses).toMatchObject([
          { state: 'stopped', error: { code: 'STORE_FAILED', message: expect.stringContaining('ENOSPC') } },
        ])
        const written = await recordedEvents()
        expect(written.length).toBeGreaterThan(3)
        expect(written).toEqual(events.slice(0, written.length))
        expect(recorded.recorder.records()).toHaveLength(40)
      } finally {
        execFileSync('umount', [folder])
      }
    },
  )

  it('a record for its hook writes the others, and names it', async () => {
    await using recorded = new Recorded({
      folder,
      redact: {
        hook: (data) => {
          const { order } = data.event as { order: number }
          if (order === 1) throw new Error('not this one')
          if (order === 2) return undefined
          return { ...data, event: { order: 'hidden' } }
        },
      },
    })
    await recorded.invoke({ order: 1 }, { order: 2 }, { order: 3 })
    await recorded.recorder.flush()
    expect(await recordedEvents()).toEqual([{ order: 'hidden' }])
    const [first] = recorded.recorder.records()
    expect(recorded.statuses).toMatchObject([
      { state: 'skipped', id: first!.id, error: { message: expect.stringContaining('not this one') } },
    ])
    expect(recorded.recorder.status).toEqual({ state: 'recording', dropped: 0 })
  })
})
