import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { layerZip, type StubBundleName } from '../../src/deploy/index.js'
import type { LocalCloud, LocalFunction } from '../../src/local/index.js'
import { type StubEnvironmentOptions, stubEnvironment } from '../../src/stub/index.js'
import { unzip } from '../deploy/unzip.js'
import { json } from '../local/lambda-fixture.js'

/** Lambda's Node runtimes take callbacks up to 22. */
export const takesCallbacks = Number.parseInt(process.versions.node, 10) < 24

/** A folder with these files, removed after the test. */
export async function folderOf(files: Readonly<Record<string, string>>): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'lambda-tether-wrap-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true })
    await writeFile(join(path, name), text, { mode: name.endsWith('.sh') ? 0o755 : 0o644 })
  }
  return path
}

/** The layer as Lambda unpacks it: a folder that stands for `/opt`. */
export async function layerFolder(name: StubBundleName): Promise<string> {
  const path = await folderOf({})
  for (const [file, { bytes, mode }] of unzip(Buffer.from(layerZip(name)))) {
    await mkdir(dirname(join(path, file)), { recursive: true })
    await writeFile(join(path, file), bytes, { mode: mode & 0o777 })
  }
  return path
}

export interface WrappedOptions {
  readonly files: Readonly<Record<string, string>>
  readonly stub: StubEnvironmentOptions
  readonly handler?: string
  readonly name?: string
  readonly bundle?: StubBundleName
  /** The function's own layers. */
  readonly layers?: readonly string[]
  /** In place of the real one. */
  readonly layer?: string
  readonly environment?: Readonly<Record<string, string>>
  readonly timeoutMs?: number
}

/** A function of the local cloud that the layer wraps. */
export async function wrappedFunction(cloud: LocalCloud, options: WrappedOptions): Promise<LocalFunction> {
  const {
    files,
    stub,
    name = 'fn',
    bundle = 'mqtt',
    layers = [],
    layer,
    environment,
    ...definition
  } = options
  return cloud.function({
    name,
    bundle: await folderOf(files),
    memoryMb: 512,
    timeoutMs: 10_000,
    ...definition,
    layers: [...layers, layer ?? (await layerFolder(bundle))],
    environment: {
      AWS_LAMBDA_EXEC_WRAPPER: '/opt/lambda-tether/wrap',
      ...stubEnvironment(stub),
      ...environment,
    },
  })
}

/** Invokes it; what comes of it, the function's own log included. */
export async function outcome(fn: LocalFunction, event: unknown = {}) {
  const { functionError, durationMs, logTail, ...result } = await fn.invoke(event)
  return { functionError, durationMs, logTail, answer: json(result) }
}
