import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { DeployDebugStackOptions, LiveOptions } from '../../src/deploy/index.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A host in a process of its own, to be killed. */
const PROGRAM = `
  import { deployDebugStack, fileSnapshots, goLive, restore } from './src/deploy/index.js'
  process.once('message', async ({ verb, options, folder }) => {
    const run = { deployDebugStack, goLive, restore }[verb]
    const more = folder === undefined ? {} : { snapshots: fileSnapshots(folder) }
    const outcome = await run({ ...options, ...more }).then(() => ({}), (error) => ({ error: String(error) }))
    process.send(outcome, () => process.exit())
  })
  process.send('ready')
`

/** What goes live and back in processes that a test may kill at any moment. */
export interface LiveProcesses extends AsyncDisposable {
  /** Starts a call; the next process is got ready meanwhile. */
  start(verb: 'goLive' | 'restore', options: LiveOptions, folder: string): Promise<LiveProcess>
  start(verb: 'deployDebugStack', options: DeployDebugStackOptions): Promise<LiveProcess>
}

export interface LiveProcess {
  /** By SIGKILL. */
  kill(): void
  /** Resolves when the process is gone: with what the call ended with, undefined when it was killed. */
  readonly ended: Promise<{ readonly error?: string } | undefined>
}

export async function liveProcesses(): Promise<LiveProcesses> {
  // Within the work tree, so that the program finds the package's root and its dependencies.
  const cache = join(root, 'node_modules', '.cache')
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, 'live-process-'))
  const outfile = join(folder, 'host.mjs')
  await build({
    stdin: { contents: PROGRAM, resolveDir: root },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'error',
  })
  let next = ready(outfile)
  return {
    async start(verb: string, all: LiveOptions | DeployDebugStackOptions, snapshotFolder?: string) {
      const { snapshots: _, ...options } = { snapshots: undefined, ...all }
      const child = await next
      next = ready(outfile)
      let outcome: { error?: string } | undefined
      child.on('message', (message: { error?: string }) => {
        outcome = message
      })
      child.send({ verb, options, folder: snapshotFolder })
      return {
        kill: () => void child.kill('SIGKILL'),
        ended: once(child, 'exit').then(() => outcome),
      }
    },
    async [Symbol.asyncDispose]() {
      const child = await next
      child.kill('SIGKILL')
      await once(child, 'exit')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function ready(file: string): Promise<ChildProcess> {
  const child = fork(file, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...process.env, NODE_NO_WARNINGS: '1' },
  })
  await once(child, 'message')
  return child
}
