import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { CHANGES, type Change } from './changes.js'
import { read, root } from './pages.js'

const folders: string[] = []
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))))

/** A copy of the sources with changes made in it, one after the other. */
async function copyWith(
  changes: readonly Change[],
  include = ['src', 'tsup.config.ts', ...changes.flatMap(({ added }) => Object.keys(added))],
): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'lambda-tether-changes-'))
  folders.push(copy)
  await cp(join(root, 'src'), join(copy, 'src'), { recursive: true })
  const others = ['tsup.config.ts', ...changes.flatMap(({ edited }) => Object.keys(edited))]
  for (const file of others.filter((path) => !path.startsWith('src/')))
    await cp(join(root, file), join(copy, file))
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'))
  const { compilerOptions } = JSON.parse(await readFile(join(root, 'tsconfig.json'), 'utf8'))
  const settings = {
    compilerOptions: { ...compilerOptions, incremental: false, tsBuildInfoFile: undefined },
    include,
    exclude: ['node_modules', 'src/inspector/page'],
  }
  await writeFile(join(copy, 'tsconfig.json'), JSON.stringify(settings))
  for (const { name, added, edited } of changes) {
    for (const [file, text] of Object.entries(added)) {
      await mkdir(dirname(join(copy, file)), { recursive: true })
      await writeFile(join(copy, file), text, { flag: 'wx' })
    }
    for (const [file, edits] of Object.entries(edited)) {
      let text = await readFile(join(copy, file), 'utf8')
      for (const [before, after] of edits) {
        expect(text.split(before), `${name}: ${file} has once: ${before}`).toHaveLength(2)
        text = text.replace(before, () => after)
      }
      await writeFile(join(copy, file), text)
    }
  }
  return copy
}

/** The compiler's errors in a copy; empty if it compiles. */
async function compile(copy: string): Promise<string> {
  const compiler = join(root, 'node_modules/typescript-7/bin/tsc')
  try {
    return (await promisify(execFile)(process.execPath, [compiler, '-p', copy, '--pretty', 'false'])).stdout
  } catch (error) {
    return (error as { stdout: string }).stdout
  }
}

test('the table of docs/architecture.md has each change, with the files that it touches', () => {
  const rows = read('docs/architecture.md').matchAll(/^\| (an? [^|]+) \| ([^|]+) \| ([^|]+) \|/gm)
  const paths = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, path]) => path!)
  const table = [...rows].map(([, name, files, pages]) => [
    name,
    paths(files!).sort(),
    [...pages!.matchAll(/\]\(([^)#]+)/g)].map(([, page]) => `docs/${page}`),
  ])
  expect(table).toEqual(
    CHANGES.map(({ name, added, edited, pages }) => [
      name,
      [...Object.keys(added), ...Object.keys(edited)].sort(),
      pages,
    ]),
  )
  for (const { added, pages } of CHANGES) {
    expect(pages.every((page) => existsSync(join(root, page)))).toBe(true)
    expect(Object.keys(added).filter((file) => existsSync(join(root, file)))).toEqual([])
  }
})

test('all ten compile, made in one copy', { timeout: 90_000 }, async () => {
  expect(await compile(await copyWith(CHANGES))).toBe('')
})

test('a message that is declared alone does not compile: the compiler names the other files', {
  timeout: 90_000,
}, async () => {
  const change = CHANGES.find(({ name }) => name === 'a message of the protocol')!
  const [protocol] = Object.entries(change.edited)
  const told = await compile(
    await copyWith([{ ...change, edited: Object.fromEntries([protocol!]) }], ['src/core']),
  )
  const named = [...told.matchAll(/src\/\S+?\.ts(?=\()/g)].map(([file]) => file)
  expect(named).toContain('src/core/wire/message-shapes.ts')
  expect(named).toContain('src/core/session/dispatcher.ts')
})
