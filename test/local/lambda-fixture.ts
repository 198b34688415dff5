import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import type {
  FunctionDefinition,
  InvokeResult,
  LambdaHost,
  LambdaHostEvents,
  LambdaHostOptions,
  LocalFunction,
} from '../../src/local/index.js'
import { createLambdaHost } from '../../src/local/index.js'

/** A folder with these files, removed after the test. */
export async function folder(files: Readonly<Record<string, string>>): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'lambda-tether-test-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true })
    await writeFile(join(path, name), text)
  }
  return path
}

/** A Lambda host, closed after the test. */
export function lambdaHost(options: LambdaHostOptions = {}): LambdaHost {
  const host = createLambdaHost(options)
  onTestFinished(() => host.close())
  return host
}

/** A function named `fn` whose `index.cjs` has this text, or whose task root has these files. */
export async function localFunction(
  host: LambdaHost,
  code: string | Readonly<Record<string, string>>,
  definition: Partial<FunctionDefinition> = {},
): Promise<LocalFunction> {
  const bundle = await folder(typeof code === 'string' ? { 'index.cjs': code } : code)
  return host.function({ name: 'fn', bundle, ...definition })
}

/** A result's payload, parsed. */
export function json(result: Pick<InvokeResult, 'payload'>) {
  return JSON.parse(Buffer.from(result.payload).toString())
}

/** Resolves with the first event of that kind that passes. */
export function event<E extends keyof LambdaHostEvents>(
  host: LambdaHost,
  name: E,
  passes: (detail: Parameters<LambdaHostEvents[E]>[0]) => boolean = () => true,
): Promise<Parameters<LambdaHostEvents[E]>[0]> {
  return new Promise((resolve) => {
    const listener = ((detail: Parameters<LambdaHostEvents[E]>[0]) => {
      if (!passes(detail)) return
      host.off(name, listener)
      resolve(detail)
    }) as LambdaHostEvents[E]
    host.on(name, listener)
  })
}

/** Whether a process lives, be it frozen; a zombie does not. */
export function alive(pid: number): boolean {
  return !['gone', 'Z', 'X'].includes(processState(pid))
}

/** The state letter that Linux gives a process: `T` is frozen, `S` asleep, `R` running. */
export function processState(pid: number): string {
  try {
    // The name before it is in brackets and may hold anything.
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.[0] ?? 'gone'
  } catch {
    return 'gone'
  }
}
