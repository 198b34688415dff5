import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { InfrastructureQuestion, InfrastructureWatch } from '../../src/deploy/index.js'

/** Files in a new folder, which goes with its test. */
export async function folderOf(files: Readonly<Record<string, string>>, modules?: string): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'lambda-tether-infrastructure-')))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) await save(folder, name, text)
  if (modules !== undefined) await symlink(modules, join(folder, 'node_modules'), 'junction')
  return folder
}

export async function save(folder: string, name: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, name)), { recursive: true })
  await writeFile(join(folder, name), text)
}

type Told = InfrastructureQuestion | 'none' | Error

/** What a watch tells, one after another. It is closed with its test. */
export function heard(watch: InfrastructureWatch): { next(): Promise<Told>; readonly waiting: number } {
  onTestFinished(() => watch.close())
  const told: Told[] = []
  const waiting: ((told: Told) => void)[] = []
  const tell = (one: Told) => {
    const first = waiting.shift()
    if (first === undefined) told.push(one)
    else first(one)
  }
  watch.on('none', () => tell('none'))
  watch.on('error', tell)
  watch.on('change', tell)
  return {
    next: async () => told.shift() ?? new Promise<Told>((resolve) => void waiting.push(resolve)),
    get waiting() {
      return told.length
    },
  }
}
