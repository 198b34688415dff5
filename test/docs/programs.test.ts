import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, describe, expect, it } from 'vitest'
import { type Program, programsOf } from './programs.js'

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

/** What the compiler says of these files, by its own rules for users of this package. */
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

async function run(program: Program): Promise<{ code: number | null; output: string }> {
  const directory = mkdtempSync(join(folder, 'run-'))
  const entry = join(directory, fileOf(program))
  writeFileSync(entry, program.runnable)
  const outfile = join(directory, 'program.mjs')
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    tsconfig: join(root, 'tsconfig.json'),
    logLevel: 'silent',
  })
  const child = spawn(process.execPath, [outfile], {
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
  it('compile', () => {
    const files = Object.fromEntries(programs.map((program) => [fileOf(program), program.source]))
    const runnable = Object.fromEntries(
      programs
        .filter((program) => program.runnable !== program.source)
        .map((program) => [`run-${fileOf(program)}`, program.runnable]),
    )
    expect(problemsOf({ ...files, ...runnable })).toEqual([])
  }, 60_000)

  it.each(programs.map((program) => [program.name, program] as const))(
    'run: %s',
    async (_, program) => {
      const { code, output } = await run(program)
      expect(code, output).toBe(0)
    },
    70_000,
  )
})

describe('the reading of programs', () => {
  it('joins blocks, adds what is hidden, and begins anew where told', () => {
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

  it('finds what does not compile', () => {
    expect(problemsOf({ 'wrong.mts': `import { nothing } from 'lambda-tether'\n` })).toEqual([
      expect.stringContaining("has no exported member 'nothing'"),
    ])
  }, 60_000)
})

// Where the tests themselves lie, so that a moved file fails here and not by finding no page.
it('has pages to read', () => {
  expect(pages.length).toBeGreaterThan(5)
  expect(dirname(join(root, pages[1]!))).toContain('docs')
})
