import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { read } from '../../docs/pages.js'
import { packPackage } from '../../support/packed-package.js'
import { ServedProject } from '../served-project.js'
import { type Installed, installAll, run } from './installed.js'

interface Section {
  readonly title: string
  /** Files that it writes, by name. */
  readonly files: Record<string, string>
  /** Lines that it takes from `dev.mjs` and puts there. */
  readonly removed: string
  readonly added: string
  readonly commands: readonly string[]
}

const BLOCK = /(?:^`([^`\n]+)`\n\n)?^```(\w+)\n([\s\S]*?)^```$/gm

function sectionsOf(markdown: string): Section[] {
  return markdown.split(/^## /m).map((text) => {
    const files: Record<string, string> = {}
    let [removed, added, commands] = ['', '', [] as string[]]
    for (const [, file, language, body] of text.matchAll(BLOCK)) {
      const linesWith = (sign: string) =>
        body!
          .split('\n')
          .filter((line) => line.startsWith(sign))
          .map((line) => `${line.slice(1)}\n`)
          .join('')
      if (file !== undefined) files[file] = body!
      else if (language === 'sh') commands = body!.trim().split('\n')
      else if (language === 'diff') [removed, added] = [linesWith('-'), linesWith('+')]
    }
    return { title: text.slice(0, text.indexOf('\n')), files, removed, added, commands }
  })
}

const sections = sectionsOf(read('docs/monorepos.md'))
const shared = sections.find(({ title }) => title === 'The project')!.files

let tools: Installed
let temporary: string
let tarball: string
beforeAll(async () => {
  temporary = await realpath(await mkdtemp(join(tmpdir(), 'lambda-tether-packed-')))
  tarball = await packPackage(temporary)
  tools = await installAll(['pnpm@10', '@yarnpkg/cli-dist@4'])
}, 600_000)
afterAll(async () => {
  await tools?.[Symbol.asyncDispose]()
  await rm(temporary, { recursive: true, force: true })
})

/** Package managers of this test's own, which run no script and leave nothing behind. */
const environment = () => ({
  PATH: `${join(tools.folder, 'node_modules', '.bin')}${delimiter}${process.env.PATH}`,
  npm_config_ignore_scripts: 'true',
  YARN_ENABLE_GLOBAL_CACHE: 'false',
  YARN_ENABLE_SCRIPTS: 'false',
  YARN_ENABLE_TELEMETRY: '0',
  // With `CI` set Yarn would not write the lock file that a new project has none of.
  YARN_ENABLE_IMMUTABLE_INSTALLS: 'false',
})

test.each(sections.filter(({ commands }) => commands.length > 0))(
  'the page’s section on $title leads to an edited answer',
  async ({ files, removed, added, commands }) => {
    await using project = await ServedProject.create({ ...shared, ...files })
    if (removed !== '') {
      const host = await readFile(project.at('dev.mjs'), 'utf8')
      expect(host).toContain(removed)
      await project.write({ 'dev.mjs': host.replace(removed, added) })
    }
    const start = commands.at(-1)!
    for (const command of commands.slice(0, -1)) {
      const [program, ...args] = command.replace('lambda-tether', `lambda-tether@file:${tarball}`).split(' ')
      await run(program!, args, project.folder, environment())
    }
    const host = await Host.start(start, project.folder, environment())
    try {
      expect(await host.answer()).toBe('{"total":3}')
      await project.write({
        'packages/prices/src/index.ts': shared['packages/prices/src/index.ts']!.replace(', 0)', ', 100)'),
      })
      expect(await host.answer()).toBe('{"total":103}')
    } finally {
      await host.stop()
    }
  },
  240_000,
)

/** What the page has a reader start. */
class Host {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  private constructor(child: ChildProcess) {
    this.#child = child
    this.#lines = createInterface(child.stdout!)[Symbol.asyncIterator]()
  }

  static async start(command: string, cwd: string, env: NodeJS.ProcessEnv): Promise<Host> {
    const [program, ...args] = command.split(' ')
    // In a group of its own: as Ctrl+C in a terminal, the signal reaches what the command starts.
    const child = spawn(program!, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    })
    await once(child, 'spawn')
    return new Host(child)
  }

  /** The next answer that it prints; the other lines are the report's. */
  async answer(): Promise<string> {
    for (;;) {
      const { value, done } = await this.#lines.next()
      if (done) throw new Error(`The host ended with ${this.#child.exitCode}.`)
      if (value.startsWith('{')) return value
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    process.kill(-this.#child.pid!, 'SIGINT')
    await ended
  }
}
