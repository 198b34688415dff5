import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../src/core/base/clock.js'
import { FileWatch } from '../../src/sources/file-watch.js'
import { type HandlerProject, handlerProject } from '../executors/handler-project.js'
import { ManualClock } from '../support/manual-clock.js'

let project: HandlerProject
let watch: FileWatch
/** How often the listener was called. */
let changes: number
let onChange: () => void

beforeEach(async () => {
  project = await handlerProject()
  watch = new FileWatch()
  changes = 0
  onChange = () => {}
})

afterEach(async () => {
  watch.close()
  await project[Symbol.asyncDispose]()
})

const subscribe = () =>
  watch.subscribe(() => {
    changes++
    onChange()
  })

/** Resolves with the next call of the listener after `action`. */
function changeAfter(action: () => void): Promise<void> {
  return new Promise((resolve) => {
    onChange = resolve
    action()
  })
}

/** A change that must be seen, to know that none came before it. */
async function fence(): Promise<void> {
  const path = join(project.folder, 'fence')
  const other = new FileWatch()
  writeFileSync(path, '')
  other.follow([path])
  await new Promise<void>((resolve) => {
    other.subscribe(resolve)
    writeFileSync(path, `${Date.now()}`)
  })
  other.close()
}

const inPlace = (path: string, text: string) => writeFileSync(path, text)
const atomic = (path: string, text: string) => {
  writeFileSync(`${path}.tmp`, text)
  renameSync(`${path}.tmp`, path)
}

/** As some editors: the old file becomes a back-up, and a new one takes its name. */
const withBackup = (path: string, text: string) => {
  renameSync(path, `${path}~`)
  writeFileSync(path, text)
}

test.each([
  ['in place', inPlace],
  ['by renaming another file over it', atomic],
  ['by renaming it away and writing anew', withBackup],
])('every one of 60 saves %s is seen', async (_, save) => {
  const path = await project.write('api.ts', 'version 0')
  watch.follow([path])
  subscribe()
  for (let version = 1; version <= 60; version++) {
    await changeAfter(() => save(path, `version ${String(version).padStart(2)}`))
  }
})

test('the last of several saves in a burst is always reported after it happened', async () => {
  const path = await project.write('api.ts', 'a')
  watch.follow([path])
  subscribe()
  for (let burst = 0; burst < 20; burst++) {
    const last = `burst ${burst} save 5`
    await new Promise<void>((resolve) => {
      onChange = () => {
        if (readFileSync(path, 'utf8') === last) resolve()
      }
      for (let save = 1; save <= 5; save++) (save % 2 ? inPlace : atomic)(path, `burst ${burst} save ${save}`)
    })
  }
})

test('two saves that the file system stamps with the same time are two', async () => {
  const now = Date.now()
  watch = new FileWatch({ now: () => now, schedule: systemClock.schedule })
  const path = await project.write('api.ts', 'a')
  utimesSync(path, now / 1000, now / 1000)
  watch.follow([path])
  subscribe()
  await changeAfter(() => {
    writeFileSync(path, 'b')
    utimesSync(path, now / 1000, now / 1000)
  })
})

test('a late event of a save is not another save', async () => {
  const now = Date.now()
  let onGathered = () => {}
  watch = new FileWatch({
    now: () => now,
    schedule: (delayMs, callback) =>
      systemClock.schedule(delayMs, () => {
        callback()
        onGathered()
      }),
  })
  const path = await project.write('api.ts', 'a')
  watch.follow([path])
  subscribe()
  await changeAfter(() => {
    writeFileSync(path, 'b')
    utimesSync(path, now / 1000, now / 1000)
  })
  await new Promise<void>((resolve) => {
    onGathered = resolve
    chmodSync(path, 0o640)
  })
  expect(changes).toBe(1)
})

test('a file that is created and then written is reported without extra delay', async () => {
  const waits: number[] = []
  watch = new FileWatch({
    now: systemClock.now,
    schedule: (delayMs, callback) =>
      systemClock.schedule(delayMs, () => {
        waits.push(delayMs)
        callback()
      }),
  })
  const path = await project.write('api.ts', 'a')
  watch.follow([path])
  subscribe()
  for (let i = 0; i < 9; i++) {
    rmSync(path)
    await changeAfter(() => writeFileSync(path, `b${i}`))
  }
  // An empty file is waited for 50 ms, and its text is not.
  expect(waits.filter((delayMs) => delayMs > 5)).toEqual([])
})

test('a save by renaming is reported in the turn in which its event arrives', async () => {
  const delays: number[] = []
  watch = new FileWatch({
    now: systemClock.now,
    schedule: (delayMs, callback) => {
      delays.push(delayMs)
      return systemClock.schedule(delayMs, callback)
    },
  })
  const path = await project.write('api.ts', 'a')
  watch.follow([path])
  subscribe()
  await changeAfter(() => atomic(path, 'b'))
  expect(delays).toEqual([])
  await changeAfter(() => inPlace(path, 'c'))
  expect(delays.length).toBeGreaterThan(0)
})

test('other files of the folder, and reading, change nothing', async () => {
  const path = await project.write('api.ts', 'a')
  utimesSync(path, 1, 1)
  watch.follow([path])
  subscribe()
  await project.write('other.ts', 'b')
  await project.write('api.ts.swp', 'c')
  await fence()
  expect(changes).toBe(0)
})

test('a file that is emptied on the way to its new text is reported once it has it', async () => {
  const path = await project.write('api.ts', 'old')
  watch.follow([path])
  subscribe()
  const seen: string[] = []
  await new Promise<void>((resolve) => {
    onChange = () => {
      seen.push(readFileSync(path, 'utf8'))
      resolve()
    }
    truncateSync(path)
    // Later than events are gathered, sooner than an empty file is taken for one.
    setTimeout(() => writeFileSync(path, 'new'), 15)
  })
  expect(seen).toEqual(['new'])
})

test('a file that stays empty is reported', async () => {
  const path = await project.write('api.ts', 'old')
  watch.follow([path])
  subscribe()
  await changeAfter(() => truncateSync(path))
})

test('a deleted file is reported once, and again when it is there again', async () => {
  const path = await project.write('api.ts', 'old')
  watch.follow([path])
  subscribe()
  await changeAfter(() => rmSync(path))
  await fence()
  expect(changes).toBe(1)
  await changeAfter(() => writeFileSync(path, 'back'))
})

test('files of a folder that is renamed are reported as deleted', async () => {
  const path = await project.write('src/api.ts', 'old')
  watch.follow([path])
  subscribe()
  await changeAfter(() => renameSync(dirname(path), `${dirname(path)}.old`))
})

test('a file that is away for a moment is not reported as deleted', async () => {
  const path = await project.write('api.ts', 'version 0')
  watch.follow([path])
  const gone: boolean[] = []
  subscribe()
  watch.subscribe(() => gone.push(!existsSync(path)))
  for (let version = 1; version <= 10; version++) {
    await changeAfter(() => {
      renameSync(path, `${path}~`)
      setTimeout(() => writeFileSync(path, `version ${version}`), 5)
    })
  }
  expect(gone).not.toContain(true)
})

test('a file that does not exist yet is reported when it does', async () => {
  const path = join(project.folder, 'later.ts')
  watch.follow([path])
  subscribe()
  await changeAfter(() => writeFileSync(path, 'here'))
})

test.each<[string, (folder: string) => void]>([
  ['removed', (folder) => rmSync(folder, { recursive: true })],
  ['removed with the one above it', (folder) => rmSync(dirname(folder), { recursive: true })],
  ['renamed', (folder) => renameSync(folder, `${folder}.old`)],
])('a folder that is %s and made again is watched as before', async (_, remove) => {
  const path = await project.write('dist/lib/api.js', 'old')
  watch.follow([path])
  subscribe()
  for (let round = 0; round < 5; round++) {
    remove(dirname(path))
    await fence()
    expect(changes).toBe(0)
    await changeAfter(() => {
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, `new ${round}`)
    })
    await changeAfter(() => writeFileSync(path, 'saved in place'))
    await changeAfter(() => atomic(path, 'saved by renaming'))
    await fence()
    rmSync(`${dirname(path)}.old`, { recursive: true, force: true })
    changes = 0
  }
})

test('a folder that is removed and made again at once is watched as before', async () => {
  const path = await project.write('dist/api.js', 'old')
  watch.follow([path])
  subscribe()
  for (let round = 0; round < 20; round++) {
    await changeAfter(() => {
      rmSync(dirname(path), { recursive: true })
      mkdirSync(dirname(path))
      atomic(path, `new ${round}`)
    })
    await fence()
    await changeAfter(() => atomic(path, 'saved'))
  }
})

test('a file in the place of a folder does no harm', async () => {
  const path = await project.write('dist/lib/api.js', 'old')
  const dist = dirname(dirname(path))
  watch.follow([path])
  subscribe()
  rmSync(dist, { recursive: true })
  writeFileSync(dist, '')
  await fence()
  expect(changes).toBe(0)
  await changeAfter(() => {
    rmSync(dist)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, 'new')
  })
})

test('a folder that another one replaces is left for the new one', async () => {
  const path = await project.write('dist/api.js', 'old')
  await project.write('dist.new/api.js', 'new')
  watch.follow([path])
  subscribe()
  await changeAfter(() => {
    renameSync(dirname(path), join(project.folder, 'dist.old'))
    renameSync(join(project.folder, 'dist.new'), dirname(path))
  })
  await changeAfter(() => writeFileSync(path, 'newer'))
})

test('a file in a folder that does not exist yet is reported when it does', async () => {
  const path = join(project.folder, 'a/b/later.ts')
  watch.follow([path], [join(project.folder, 'c/d')])
  subscribe()
  await changeAfter(() => mkdirSync(dirname(path), { recursive: true }) && writeFileSync(path, 'here'))
  await changeAfter(() => writeFileSync(path, 'saved'))
  await changeAfter(() => mkdirSync(join(project.folder, 'c/d'), { recursive: true }))
})

test('the followed files can change: old ones are forgotten, new ones are reported as new', async () => {
  const first = await project.write('a/first.ts', '1')
  const second = await project.write('b/second.ts', '2')
  expect(watch.follow([first])).toEqual([first])
  subscribe()
  expect(watch.follow([first, second])).toEqual([second])
  await changeAfter(() => atomic(second, 'two'))
  watch.follow([second])
  changes = 0
  atomic(first, 'one')
  await fence()
  expect(changes).toBe(0)
})

test('in a folder followed whole anything new counts', async () => {
  const path = await project.write('api.ts', 'a')
  const folder = join(project.folder, 'lib')
  mkdirSync(folder)
  watch.follow([path], [folder, join(dirname(folder), 'missing')])
  subscribe()
  await changeAfter(() => writeFileSync(join(folder, 'new.ts'), 'x'))
})

test('a disposed listener hears nothing, and the others continue', async () => {
  const path = await project.write('api.ts', 'a')
  watch.follow([path])
  const subscription = subscribe()
  let others = 0
  let heard = () => {}
  watch.subscribe(() => {
    others++
    heard()
  })
  await changeAfter(() => atomic(path, 'b'))
  subscription[Symbol.dispose]()
  changes = 0
  await new Promise<void>((resolve) => {
    heard = resolve
    atomic(path, 'c')
  })
  expect(changes).toBe(0)
  expect(others).toBeGreaterThanOrEqual(2)
})

test('polls files, deletions and folders if it is given an interval', async () => {
  const clock = new ManualClock()
  watch = new FileWatch(clock, 300)
  const file = await project.write('polled.js', 'one')
  const folder = dirname(file)
  watch.follow([file], [folder])
  const subscription = subscribe()
  await clock.advance(300)
  expect(changes).toBe(0)
  writeFileSync(file, 'another')
  await clock.advance(299)
  expect(changes).toBe(0)
  await clock.advance(1)
  expect(changes).toBe(1)
  writeFileSync(join(folder, 'new.js'), 'new')
  await clock.advance(300)
  expect(changes).toBe(2)
  await clock.advance(3_000)
  expect(changes).toBe(2)
  rmSync(file)
  await clock.advance(400)
  expect(changes).toBeGreaterThan(2)
  subscription[Symbol.dispose]()
  expect(clock.pending).toBe(0)
})
