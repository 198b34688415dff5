import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Guard } from '../../src/executors/process/guard.js'
import { eventually } from '../support/eventually.js'
import { alive, folder, processState } from './lambda-fixture.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A process that would live for ever, in a group of its own. */
async function sleeper(): Promise<ChildProcess & { pid: number }> {
  const child = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1000)'], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return child as ChildProcess & { pid: number }
}

describe.runIf(process.platform === 'linux')('the guard', () => {
  test('kills only watched processes when it is closed', async () => {
    const guard = new Guard()
    const [watched, released] = [await sleeper(), await sleeper()]
    guard.watch(watched.pid)
    guard.watch(released.pid)
    guard.release(released.pid)
    await guard.close()
    await eventually(() => expect(alive(watched.pid)).toBe(false))
    expect(alive(released.pid)).toBe(true)
    await guard.close()
  })

  test('is replaced when it was killed, and told of everything', async () => {
    const guard = new Guard()
    const [first, second] = [await sleeper(), await sleeper()]
    const others = await childrenOf(process.pid)
    const guards = async () => (await childrenOf(process.pid)).filter((pid) => !others.includes(pid))
    guard.watch(first.pid)
    const [killed] = await guards()
    if (killed === undefined) throw new Error('No guard was started.')
    process.kill(killed, 'SIGKILL')
    await eventually(async () => expect((await guards()).filter((pid) => pid !== killed)).toHaveLength(1))
    guard.watch(second.pid)
    await guard.close()
    await eventually(() => expect([alive(first.pid), alive(second.pid)]).toEqual([false, false]))
  })

  test.each(['SIGKILL', 'SIGINT'] as const)(
    'leaves no Lambda process behind when its host gets %s, frozen or not',
    async (signal) => {
      const host = spawn(process.execPath, [await hostProgram(), await functions()], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      onTestFinished(() => void host.kill('SIGKILL'))
      const lines = createInterface({ input: host.stdout })
      const pids = await new Promise<{ frozen: number; busy: number; child: number }>((resolve) =>
        lines.once('line', (line) => resolve(JSON.parse(line))),
      )
      onTestFinished(() => {
        // Only where the test fails.
        for (const pid of Object.values(pids)) if (alive(pid)) process.kill(pid, 'SIGKILL')
      })
      await eventually(() => expect(processState(pids.frozen)).toBe('T'))
      expect([pids.frozen, pids.busy, pids.child].map(alive)).toEqual([true, true, true])
      host.kill(signal)
      await once(host, 'exit')
      await eventually(() =>
        expect([pids.frozen, pids.busy, pids.child].map(alive)).toEqual([false, false, false]),
      )
    },
  )
})

// Below the package's root, from where the files that are run are found.
async function hostProgram(): Promise<string> {
  await mkdir(join(root, '.tmp'), { recursive: true })
  const path = await mkdtemp(join(root, '.tmp', 'guard-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  const outfile = join(path, 'host.mjs')
  await build({
    stdin: {
      contents: `
        import { createLambdaHost } from './src/local/lambda/host.ts'
        const host = createLambdaHost()
        const [frozen, busy] = ['frozen', 'busy'].map((name) =>
          host.function({ name, bundle: process.argv[2], handler: name + '.handler', timeoutMs: 60000 }))
        const { payload } = await frozen.invoke()
        host.on('log', ({ text }) => console.log(JSON.stringify({ ...JSON.parse(Buffer.from(payload)), busy: Number(text) })))
        await busy.invoke()`,
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

function functions(): Promise<string> {
  return folder({
    'frozen.cjs': `const { spawn } = require('node:child_process')
      const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
      exports.handler = async () => ({ frozen: process.pid, child: child.pid })`,
    'busy.cjs': `exports.handler = () => { console.log(process.pid); for (;;); }`,
  })
}

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return text.trim().split(' ').filter(Boolean).map(Number)
}
