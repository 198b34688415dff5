import { spawnSync } from 'node:child_process'
import { cp, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { childProcesses, inline, workerThreads } from '../../src/executors/index.js'
import type { FunctionBuild, Handler } from '../../src/index.js'
import { runFile } from '../../src/run-files.js'
import type {
  ExecutorConformanceOptions,
  ExecutorUnderTest,
  FunctionBehaviour,
} from '../../src/testing/index.js'

/** Most tests wait for a process to start, or to end, which takes long on a busy machine. */
export const CONCURRENTLY = { concurrent: true, timeout: 60_000 }
export const WAIT_MS = 30_000

/** How an executor is held against the suite. */
export type ExecutorSubject = Pick<ExecutorConformanceOptions, 'factory' | 'without'>

const functions = fileURLToPath(new URL('functions', import.meta.url))

/** Handlers of this process: what shares everything with its host can keep few promises. */
export const inlineSubject: ExecutorSubject = {
  factory() {
    const builds = new Map<FunctionBehaviour, FunctionBuild>()
    return {
      executor: inline(),
      functionOf(behaviour) {
        const build = builds.get(behaviour) ?? { kind: 'module', load: () => freshHandler(behaviour) }
        builds.set(behaviour, build)
        return build
      },
    }
  },
  without: [
    'environment',
    'rotation',
    'workers',
    'stop',
    'exit',
    'memory',
    'children',
    'output',
    'uncaught',
    'late',
  ],
}

/** Quickly used up, and room enough for 6 MiB. Without a limit of its own the young generation would make it more. */
export const SMALL_HEAP = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 }

/** A thread's memory has a limit of its own; what it starts in a process of its own outlives it. */
export const threadSubject: ExecutorSubject = {
  factory: () => ({ executor: workerThreads({ resourceLimits: SMALL_HEAP }) }),
  without: ['children'],
}

/** No test needs a spare, and each is a process that starts; threads keep theirs, from the same pool. */
export const nodeSubject: ExecutorSubject = {
  factory: () => ({
    executor: childProcesses({ spares: 0 }),
    variables: { NODE_OPTIONS: '--max-old-space-size=64' },
  }),
}

export const pythonSubject: ExecutorSubject = {
  factory: () => ({
    executor: childProcesses({ spares: 0 }),
    functionOf(behaviour) {
      if (behaviour === 'fail-at-start' || behaviour === 'exit-at-start') {
        const path = join(functions, `${behaviour.replaceAll('-', '_')}.py`)
        return { kind: 'file', path, exportName: 'handler' }
      }
      // `print` would hide Python's own.
      const exportName = behaviour === 'print' ? 'print_lines' : behaviour
      return { kind: 'file', path: join(functions, 'conformance_functions.py'), exportName }
    },
  }),
  // Python raises exceptions only, has neither callbacks nor streams, and an exception in one of its threads ends that thread.
  without: ['uncaught', 'throw-value', 'callbacks', 'late', 'streaming'],
}

/** A bash `bootstrap` with curl, in a task root of its own. */
export const bashSubject: ExecutorSubject = {
  async factory(): Promise<ExecutorUnderTest> {
    const taskRoot = await realpath(await mkdtemp(join(tmpdir(), 'lambda-tether-bash-')))
    await cp(functions, taskRoot, { recursive: true })
    return {
      executor: childProcesses(),
      functionOf: (behaviour) => ({
        kind: 'command',
        command: [join(taskRoot, 'bootstrap')],
        cwd: taskRoot,
        handler: behaviour.endsWith('-at-start') ? `${behaviour}.handler` : `functions.handle-${behaviour}`,
      }),
      // The last three are the shell's own.
      runtimeVariables: ['AWS_LAMBDA_RUNTIME_API', 'LAMBDA_TASK_ROOT', '_HANDLER', '_', 'PWD', 'SHLVL'],
      close: () => rm(taskRoot, { recursive: true, force: true }),
    }
  },
  // A custom runtime is told of new variables by starting it anew.
  without: ['rotation', 'uncaught', 'throw-value', 'callbacks', 'late', 'streaming'],
}

/**
 * AWS's own runtime for Node (`aws-lambda-ric` 4), at work on the suite's own functions. It is compiled when it is
 * installed, for a minute; AWS_LAMBDA_RIC says where its `index.mjs` lies.
 */
export function ricSubject(): ExecutorSubject | undefined {
  const module = process.env.AWS_LAMBDA_RIC
  if (module === undefined) {
    if (process.env.REQUIRE_REAL_SERVERS !== '1') return undefined
    throw new Error('REQUIRE_REAL_SERVERS is 1 and AWS_LAMBDA_RIC does not say where aws-lambda-ric is.')
  }
  return {
    factory: () => ({
      executor: childProcesses(),
      functionOf: (behaviour) => ({
        kind: 'command',
        command: [process.execPath, module],
        cwd: dirname(runFile('conformance-functions')),
        handler: behaviour.endsWith('-at-start')
          ? `${behaviour}.handler`
          : `conformance-functions.${behaviour}`,
      }),
      variables: { NODE_OPTIONS: '--max-old-space-size=64' },
      runtimeVariables: ['AWS_LAMBDA_RUNTIME_API', 'LAMBDA_TASK_ROOT', '_HANDLER'],
    }),
    // As Lambda's Node 24: callbacks are gone, an error that nobody catches is told as an exit, causes are not told, and
    // between invocations the runtime blocks, what it has not written yet included. New variables need a new process.
    without: ['rotation', 'cause', 'callbacks', 'late', 'uncaught', 'background', 'long-lines'],
  }
}

/** Programs that a subject needs: without them its tests are skipped by name, or fail where all must be there. */
export function available(...programs: readonly string[]): boolean {
  const missing = programs.filter((program) => spawnSync(program, ['--version']).error !== undefined)
  if (missing.length > 0 && process.env.REQUIRE_REAL_SERVERS === '1') {
    throw new Error(`REQUIRE_REAL_SERVERS is 1 and these are not on the PATH: ${missing.join(', ')}.`)
  }
  return missing.length === 0
}

/** The module's handler, with state of its own: Node keeps modules by their URL. */
async function freshHandler(behaviour: FunctionBehaviour): Promise<Handler> {
  const atStart = behaviour === 'fail-at-start' || behaviour === 'exit-at-start'
  const url = pathToFileURL(runFile(atStart ? behaviour : 'conformance-functions'))
  url.search = `?load=${performance.now()}`
  const module = (await import(/* @vite-ignore */ url.href)) as Record<string, Handler>
  return module[atStart ? 'handler' : behaviour] as Handler
}
