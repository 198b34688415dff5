import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Program, programsOf } from './programs.js'
import { RIGHT, readmeHost, WRONG } from './readme-host.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join('docs', file)),
]
const programs = pages.flatMap((page) => programsOf(page, readFileSync(join(root, page), 'utf8')))

// Inside the repository, where the package finds the files that it runs.
mkdirSync(join(root, '.tmp'), { recursive: true })
const folder = mkdtempSync(join(root, '.tmp', 'docs-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const fileOf = ({ name }: Program) => `${name.replace(/[^a-z0-9]+/gi, '-')}.mts`

/** What the compiler says of files, by its own rules for users of this package; one run for all, since each checks the package's types. */
function problemsOf(files: Readonly<Record<string, string>>): string[] {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const compilerOptions = {
    noEmit: true,
    // A program shows what is there, and need not use it.
    noUnusedLocals: false,
    noUnusedParameters: false,
    // Each is a module of its own, whether or not it imports anything.
    moduleDetection: 'force',
  }
  const config = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions,
    include: [],
    files: Object.keys(files),
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const compiler = join(root, 'node_modules/typescript-7/bin/tsc')
  const { stdout, error } = spawnSync(
    process.execPath,
    [compiler, '--project', folder, '--pretty', 'false'],
    {
      cwd: folder,
      encoding: 'utf8',
    },
  )
  if (error !== undefined) throw error
  // Of these files alone: what they import has been checked by `npm run check`.
  const problems = stdout.split('\n').flatMap((line) => {
    const [, file, at, text] = /^(\S+?)\((\d+),\d+\): error TS\d+: (.*)$/.exec(line) ?? []
    return file !== undefined && Object.hasOwn(files, file) ? [`${file}:${at}: ${text}`] : []
  })
  if (problems.length === 0 && /error/.test(stdout) && !/^\S+\(\d+,\d+\)/.test(stdout))
    throw new Error(stdout)
  return problems
}

const built = join(folder, 'built')
const SOME = 'the response is the value|an error has its type|close\\(\\) leaves nothing'

/** Builds all programs at once: what they share of the package is one file for all. */
function buildAll(): Promise<unknown> {
  return build({
    entryPoints: programs.map((program) => {
      const file = join(folder, `run-${fileOf(program)}`)
      writeFileSync(file, program.runnable)
      return { in: file, out: fileOf(program).replace(/\.mts$/, '') }
    }),
    outdir: built,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    tsconfig: join(root, 'tsconfig.json'),
    logLevel: 'silent',
  })
}

async function run(program: Program): Promise<{ code: number | null; output: string }> {
  const directory = mkdtempSync(join(folder, 'run-'))
  // The whole suite of executors runs in test/testing.
  const some = program.source.includes('executorConformance({') ? [`--test-name-pattern=${SOME}`] : []
  const file = join(built, fileOf(program).replace(/\.mts$/, '.mjs'))
  const child = spawn(process.execPath, ['--test-reporter=tap', ...some, file], {
    cwd: directory,
    env: { PATH: process.env.PATH, HOME: directory, TETHER_KEY: 'A'.repeat(43) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const [code] = (await once(child, 'close', { signal: AbortSignal.timeout(60_000) }).catch((error) => {
    child.kill('SIGKILL')
    throw new Error(`${program.name} did not end. It wrote:\n${output}`, { cause: error })
  })) as [number | null]
  return { code, output }
}

describe('the programs in the documentation', () => {
  let problems: string[]
  beforeAll(async () => {
    const named = (kind: string, texts: object) =>
      Object.fromEntries(Object.values(texts).map((text, index) => [`${kind}-${index}.mts`, text]))
    const shown = programs.map((program) => [fileOf(program), program.source])
    const runnable = programs
      .filter((program) => program.runnable !== program.source)
      .map((program) => [`run-${fileOf(program)}`, program.runnable])
    problems = problemsOf({
      ...Object.fromEntries([...shown, ...runnable]),
      ...named('right', RIGHT),
      ...named('wrong', WRONG),
    })
    await buildAll()
  }, 120_000)

  it('compile', () => {
    expect(problems.filter((problem) => !problem.startsWith('wrong-'))).toEqual([])
  })

  it.each(Object.keys(WRONG).map((name, index) => [name, index] as const))(
    'would not compile with %s',
    (_, index) => {
      expect(problems.filter((problem) => problem.startsWith(`wrong-${index}.mts:`))).not.toEqual([])
    },
  )

  it('begin with a host of twelve lines', () => {
    expect(readmeHost.trim().split('\n').length).toBeLessThanOrEqual(12)
  })

  it.each(programs.map((program) => [program.name, program] as const))(
    'run: %s',
    async (_, program) => {
      const { code, output } = await run(program)
      expect(code, output).toBe(0)
      if (program.source.includes('Conformance({')) {
        const passed = Number(/^# pass (\d+)$/m.exec(output)?.[1])
        expect(passed, output).toBeGreaterThanOrEqual(
          program.source.includes('executorConformance({') ? 3 : 15,
        )
      }
    },
    70_000,
  )
})

describe('the reader of programs', () => {
  it('joins blocks, adds hidden ones, and starts a new program at a marker', () => {
    const page = ['<!-- ts', 'const a = 1', '-->', '```ts', 'f(a)', '```', 'text', '```sh', 'ls', '```']
    const next = ['<!-- program -->', '<!-- instead of: far(), run: near() -->', '```ts', 'far()', '```']
    expect(programsOf('page.md', [...page, ...next].join('\n'))).toEqual([
      { name: 'page.md:1', source: 'const a = 1\nf(a)\n', runnable: 'const a = 1\nf(a)\n' },
      { name: 'page.md:12', source: 'far()\n', runnable: 'near()\n' },
    ])
  })

  it.each([
    ['```ts\nf()', "page.md:1: '```ts' has no '```'"],
    ['<!-- instead of: x -->', 'page.md:1: malformed'],
    ['<!-- instead of: x, run: y -->\n```ts\nf()\n```', "there is no 'x' to be replaced"],
  ])('refuses %j', (markdown, message) => {
    expect(() => programsOf('page.md', markdown)).toThrow(message)
  })
})

// Where the tests themselves lie, so that a moved file fails here and not by finding no page.
it('has pages to read', () => {
  expect(pages.length).toBeGreaterThan(5)
  expect(dirname(join(root, pages[1]!))).toContain('docs')
})
