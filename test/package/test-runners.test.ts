import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type InstalledPackage, installPackage, PACKAGE_INSTALL_MS } from '../support/installed-package.js'

const own = fileURLToPath(new URL('../../node_modules', import.meta.url))
/** A `node_modules` with what only these tests need: jest, mocha and sinon. */
const { TEST_RUNNERS, REQUIRE_REAL_SERVERS } = process.env
const without = TEST_RUNNERS === undefined && REQUIRE_REAL_SERVERS === undefined

interface Project {
  /** By name, with those that all share. */
  readonly files: Readonly<Record<string, string>>
  /** What runs its tests. */
  readonly command: string
}

/** The project of a section: blocks that begin with a file's name, and the last command. */
function projectOf(page: string, title: string): Project {
  const [preface = '', ...sections] = page.split(/^## /m)
  const section = sections.find((text) => text.startsWith(`${title}\n`))
  const files = [...`${preface}${section}`.matchAll(/^```js\n\/\/ (\S+)\n(.*?)^```$/gms)]
  const command = section?.match(/^```sh\n.*?\n([^\n]+)\n```$/ms)?.[1]
  if (command === undefined) throw new Error(`The page has no commands under '${title}'.`)
  return {
    files: Object.fromEntries(files.map(([, name, text]) => [name!, text!])),
    command: command.replace('npx ', ''),
  }
}

describe('a project with a test runner, as its page has it', () => {
  let installed: InstalledPackage
  const modules = () => join(dirname(installed.folder), 'node_modules')

  beforeAll(async () => {
    if (TEST_RUNNERS === undefined && !without)
      throw new Error('TEST_RUNNERS must be the node_modules that has jest, mocha and sinon.')
    installed = await installPackage()
    // Beside the folder that it was installed into: Vite takes no module from a path with a '#'.
    renameSync(join(installed.folder, 'node_modules'), modules())
    for (const name of ['aedes', 'vitest', 'mocha', 'sinon', 'jest']) {
      const [from] = [own, TEST_RUNNERS ?? own]
        .map((folder) => join(folder, name))
        .filter((path) => existsSync(path))
      if (from !== undefined) symlinkSync(from, join(modules(), name), 'junction')
    }
  }, PACKAGE_INSTALL_MS)

  afterAll(() => installed?.[Symbol.asyncDispose]())

  /** Runs it, and fails where a test does, or where the runner does not end by itself. @returns what it wrote */
  async function run(title: string, edit = (_file: string, text: string) => text): Promise<string> {
    const page = readFileSync(join(modules(), 'lambda-tether/docs/test-runners.md'), 'utf8')
    const { files, command } = projectOf(page, title)
    const folder = mkdtempSync(join(dirname(installed.folder), 'project-'))
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), edit(name, text))
    const bins = [own, TEST_RUNNERS ?? own].map((path) => join(path, '.bin'))
    const env = { PATH: [...bins, process.env.PATH].join(delimiter), HOME: folder, NO_COLOR: '1' }
    const options = { cwd: folder, env, timeout: 80_000 }
    const { stdout, stderr } = await promisify(execFile)('sh', ['-c', command], options).catch((error) => {
      throw new Error(`${title}: ${error.killed ? 'did not end' : 'failed'}:\n${error.stdout}${error.stderr}`)
    })
    return `${stdout}${stderr}`
  }

  it.concurrent('vitest', { timeout: 90_000 }, async () => {
    expect(await run('vitest')).toMatch(/Tests +2 passed/)
  })

  it.concurrent("Node's own runner", { timeout: 90_000 }, async () => {
    expect(await run("Node's own runner")).toMatch(/pass 2\n.*fail 0\n/s)
  })

  describe.skipIf(without)('with jest, mocha and sinon in TEST_RUNNERS', { timeout: 90_000 }, () => {
    it.concurrent('Mocha', async () => {
      expect(await run('Mocha')).toMatch(/2 passing/)
    })

    it.concurrent('Jest', async () => {
      expect(await run('Jest')).toMatch(/Tests: +4 passed/)
    })

    it.concurrent('Jest, with timers that are fake before anything is loaded', async () => {
      const fake = `{ enableGlobally: true, doNotFake: ['nextTick', 'setImmediate', 'clearImmediate'] }`
      const output = await run('Jest', (file, text) =>
        file === 'jest.config.mjs' ? text.replace('{ ', `{ fakeTimers: ${fake}, `) : text,
      )
      expect(output).toMatch(/Tests: +4 passed/)
    })
  })
})
