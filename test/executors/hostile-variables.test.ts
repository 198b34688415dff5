import { chmod, readFile, rm } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { Caller } from '../../src/core/caller/caller.js'
import { generateKey } from '../../src/core/wire/root-key.js'
import { createSession } from '../../src/create-session.js'
import { childProcesses, workerThreads } from '../../src/executors/index.js'
import type { Executor, FunctionSource } from '../../src/index.js'
import { command } from '../../src/sources/command.js'
import { checkStubOptions } from '../../src/stub/handler.js'
import { stubKey } from '../../src/stub/key.js'
import { memory } from '../../src/transports/memory.js'
import { contextOf, projectOfFile } from './handler-project.js'

/*
 * A stub that holds a key of the session's, and sends variables of its choice. Each names a program of the attacker's, which
 * leaves its variable's name in a file. Local code is nobody's enemy: it runs Node, bash, Python and git.
 */

const project = await projectOfFile()
const traces = `${project.folder}/traces`
/** A command of a shell that tells that it ran. */
const trace = (name: string) => `echo ${name} >> '${traces}'`
const python = (name: string) => `open(${JSON.stringify(traces)}, 'a').write('${name}\\n')\n`

await project.write(
  'attacker/preload.cjs',
  `require('node:fs').appendFileSync(${JSON.stringify(traces)}, 'NODE_OPTIONS\\n')`,
)
await project.write(
  'attacker/modules/attacker.js',
  `require('node:fs').appendFileSync(${JSON.stringify(traces)}, 'NODE_PATH\\n')`,
)
await project.write('attacker/env.sh', trace('BASH_ENV'))
await project.write('attacker/python/sitecustomize.py', python('PYTHONPATH'))
await project.write('attacker/home/.gitconfig', `[alias]\n  at-home = "!${trace('HOME')}"\n`)
for (const program of ['bash', 'python3', 'git', 'curl', 'ls']) {
  await chmod(await project.write(`attacker/bin/${program}`, `#!/bin/sh\n${trace('PATH')}\n`), 0o755)
}

const attacker = `${project.folder}/attacker`
const HOSTILE: Readonly<Record<string, string>> = {
  NODE_OPTIONS: `--require "${attacker}/preload.cjs"`,
  NODE_PATH: `${attacker}/modules`,
  BASH_ENV: `${attacker}/env.sh`,
  'BASH_FUNC_ls%%': `() { ${trace('BASH_FUNC')}\n}`,
  PYTHONPATH: `${attacker}/python`,
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: 'alias.counted',
  GIT_CONFIG_VALUE_0: `!${trace('GIT_CONFIG')}`,
  HOME: `${attacker}/home`,
  PATH: `${attacker}/bin`,
  LD_PRELOAD: '/attacker.so',
  'LD_PRELOAD=/attacker-in-a-name.so:': '',
}
/** What the loader says of a library that is not there: it tried. */
const PRELOADED = /attacker[\w-]*\.so.*cannot be preloaded/

const NODE = `
const { spawnSync } = require('node:child_process')
// Bash reads BASH_ENV unless its input is a socket.
const run = (program, ...words) =>
  spawnSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).stderr
exports.handler = async () => [
  run(process.execPath, '-e', 'try { require("attacker") } catch {}'),
  run('bash', '-c', 'ls'), run('python3', '-c', ''), run('git', 'at-home'), run('git', 'counted'),
].join()`
const PYTHON = `
import subprocess
def run(*words):
    return subprocess.run(words, capture_output=True, text=True).stderr
def handler(event, context):
    node = run(${JSON.stringify(process.execPath)}, '-e', 'try { require("attacker") } catch {}')
    return node + run('bash', '-c', 'ls') + run('python3', '-c', '') + run('git', 'at-home') + run('git', 'counted')`
const BASH = `
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while true; do
  curl -sS -o event -D headers "$api/next"
  id=$(grep -i request-id headers | cut -d: -f2 | tr -d '[:space:]')
  ls
  "${process.execPath}" -e 'try { require("attacker") } catch {}'
  python3 -c ''; git at-home; git counted
  curl -sS -o /dev/null -d '"ran"' "$api/$id/response"
done`

await project.write('tools.cjs', NODE)
await project.write('tools.py', PYTHON)
await project.write('runtime.sh', BASH)

type Options = { allowEnv?: readonly string[] }

const RUNTIMES: readonly [
  name: string,
  make: (options: Options) => Executor,
  code: string | FunctionSource,
][] = [
  ['worker threads', workerThreads, `${project.folder}/tools.cjs`],
  ['Node child processes', childProcesses, `${project.folder}/tools.cjs`],
  ['Python child processes', childProcesses, `${project.folder}/tools.py`],
  ['commands', childProcesses, command(['bash', './runtime.sh'], { cwd: project.folder })],
]

/** Has the hostile stub invoke with each of these environments, and returns what ran of the attacker's, and what was told. */
async function attack(executor: Executor, code: string | FunctionSource, environments = [HOSTILE]) {
  await rm(traces, { force: true })
  const shared = { app: 'shop', stage: 'dev', key: generateKey(), transport: memory() }
  await using session = createSession(shared)
  const lines: string[] = []
  session.on('log', ({ text }) => lines.push(text))
  session.serve({ executor, functions: { api: code } })
  await session.open()
  const { app, stage, key } = shared
  const stub = new Caller(
    checkStubOptions({ ...shared, key: stubKey({ app, stage, key, functionId: 'api' }) }),
  )
  for (const env of environments) {
    const call = stub.call({
      functionId: 'api',
      event: Buffer.from('{}'),
      context: contextOf('r-1'),
      env: { TABLE: 'orders', ...env },
      remainingMs: 60_000,
    })
    // What the attacker put in a program's place does not always answer.
    const answer = await call.catch(() => undefined)
    if (answer?.kind === 'value') lines.push(Buffer.from(answer.body).toString())
  }
  await stub.close()
  await session.close()
  const ran = new Set((await readFile(traces, 'utf8').catch(() => '')).split('\n').filter(Boolean))
  if (lines.some((line) => PRELOADED.test(line))) ran.add('LD_PRELOAD')
  const told = lines.filter((line) => line.startsWith('[lambda-tether]'))
  return { ran: [...ran].sort(), told: told.map((line) => line.replace(/ is left out: .*/, '')).sort() }
}

const TOLD = Object.keys(HOSTILE).map((name) => `[lambda-tether] ${name} of the function's environment`)

test.each(RUNTIMES)(
  'no program or module named by a stub’s variables runs: %s',
  async (_name, make, code) => {
    expect(await attack(make({}), code)).toEqual({ ran: [], told: TOLD.sort() })
  },
)

test.each(RUNTIMES)('none named by a later invocation’s variables runs: %s', async (_name, make, code) => {
  expect(await attack(make({}), code, [{}, HOSTILE])).toEqual({ ran: [], told: TOLD.sort() })
})

test.each(RUNTIMES)('each would run if allowEnv named its variable: %s', async (_name, make, code) => {
  const { PATH, ...others } = HOSTILE
  const { ran } = await attack(make({ allowEnv: Object.keys(others) }), code)
  const all = ['BASH_ENV', 'BASH_FUNC', 'GIT_CONFIG', 'HOME', 'LD_PRELOAD', 'NODE_OPTIONS', 'NODE_PATH']
  expect(ran).toEqual([...all, 'PYTHONPATH'])
})

test.each(RUNTIMES)('programs on the PATH would run if allowEnv named it: %s', async (_name, make, code) => {
  expect((await attack(make({ allowEnv: ['PATH'] }), code)).ran).toEqual(['PATH'])
})
