import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
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
    const host = spawn(process.execPath, [await hostProgram(), project.folder], {
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

/** Runs one function of each kind and writes the ids of their processes. Below the package's root, from where run files are found. */
async function hostProgram(): Promise<string> {
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
        await execute('idle', file('idle.mjs'))
        await Promise.all([
          execute('busy', file('busy.py')),
          execute('custom', { kind: 'command', command: ['bash', 'custom.sh'], cwd: folder, handler: 'h' }),
        ])`,
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
