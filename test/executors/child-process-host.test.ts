import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { expect, onTestFinished, test } from 'vitest'
import { handlerProject } from './handler-project.js'
import { goneSoon, isAlive } from './process-state.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'when the host gets %s, no process stays: idle, busy, custom or started by one',
  async (signal) => {
    await using project = await handlerProject({
      'idle.mjs': 'export const handler = async () => { console.log(process.pid) }',
      'busy.py': 'import os\ndef handler(event, context):\n    print(os.getpid())\n    while True: pass',
      'custom.sh': 'sleep 600 & echo $!; echo $$; wait',
    })
    const program = await hostProgram(`
      await execute('idle', file('idle.mjs'))
      await Promise.all([
        execute('busy', file('busy.py')),
        execute('custom', { kind: 'command', command: ['bash', 'custom.sh'], cwd: folder, handler: 'h' }),
      ])`)
    const host = spawn(process.execPath, [program, project.folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void host.kill('SIGKILL'))
    const pids: number[] = []
    for await (const line of createInterface({ input: host.stdout })) {
      pids.push(Number(line))
      if (pids.length === 4) break
    }
    onTestFinished(() => {
      // Only where the test fails.
      for (const pid of pids) if (isAlive(pid)) process.kill(pid, 'SIGKILL')
    })
    expect(pids.map(isAlive)).toEqual([true, true, true, true])
    host.kill(signal)
    await once(host, 'exit')
    await Promise.all(pids.map(goneSoon))
  },
)

test('a host with too many files open gives an error for each process that it cannot start, and goes on', async () => {
  await using project = await handlerProject({ 'api.mjs': 'export const handler = async () => "ran"' })
  const program = await hostProgram(`
    import { closeSync, openSync } from 'node:fs'
    const run = async (functionId) => {
      const outcome = await execute(functionId, file('api.mjs'))
      console.log(outcome.error?.errorType ?? String(outcome.body))
    }
    await run('before')
    const files = []
    try { for (;;) files.push(openSync('/dev/null')) } catch {}
    // Enough for its Runtime API, too few for its pipes.
    for (const file of files.splice(-4)) closeSync(file)
    await run('meanwhile')
    for (const file of files) closeSync(file)
    await run('afterwards')
    await executor.close()`)
  const limited = 'ulimit -n 100 && exec "$0" "$@"'
  const { stdout } = await promisify(execFile)('sh', [
    '-c',
    limited,
    process.execPath,
    program,
    project.folder,
  ])
  expect(stdout.trim().split('\n')).toEqual(['"ran"', 'LambdaTether.EXECUTION_FAILED', '"ran"'])
})

/** A program that has an executor, `execute` and `file`. Below the package's root, from where run files are found. */
async function hostProgram(contents: string): Promise<string> {
  await mkdir(join(root, '.tmp'), { recursive: true })
  const folder = await mkdtemp(join(root, '.tmp', 'child-host-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const outfile = join(folder, 'host.mjs')
  await build({
    stdin: {
      contents: `
        import { childProcesses } from './src/executors/child-process.ts'
        const [, , folder] = process.argv
        const executor = childProcesses({ spares: 0 })
        const execute = (functionId, build) => executor.execute({
          functionId, build, environmentId: 'e', event: Buffer.from('{}'), env: {}, deadline: Date.now() + 60_000,
          context: { awsRequestId: 'r', functionName: 'f', functionVersion: '1', invokedFunctionArn: 'a',
            memoryLimitInMB: '128', logGroupName: 'g', logStreamName: 's' },
          onLog: ({ text }) => console.log(text),
        })
        const file = (name) => ({ kind: 'file', path: folder + '/' + name, exportName: 'handler' })
        ${contents}`,
      resolveDir: root,
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    outfile,
  })
  return outfile
}
