import { mkdir, mkdtemp, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { generateKey } from '../../src/core/wire/root-key.js'
import { createSession } from '../../src/create-session.js'
import type { BuildOptions, Executor, FunctionTarget, Session } from '../../src/index.js'
import { createStub } from '../../src/stub/handler.js'
import type { StubHandler } from '../../src/stub/index.js'
import { stubKey } from '../../src/stub/key.js'
import { memory } from '../../src/transports/memory.js'
import { stubContext } from '../support/stub-context.js'

export type Files = Readonly<Record<string, string | object>>

/** A folder with a project, whose functions a session serves and stubs invoke. */
export class ServedProject implements AsyncDisposable {
  readonly folder: string
  readonly #app = { app: 'shop', stage: 'dev', key: generateKey() }
  readonly #transport = memory()
  readonly #stubs = new Map<string, StubHandler>()
  #session: Session | undefined

  private constructor(folder: string) {
    this.folder = folder
  }

  /** @param files by path; objects are written as JSON */
  static async create(files: Files = {}): Promise<ServedProject> {
    const project = new ServedProject(await realpath(await mkdtemp(join(tmpdir(), 'lambda tether #'))))
    await project.write(files)
    return project
  }

  at(path: string): string {
    return join(this.folder, path)
  }

  /** As editors save: by a rename. */
  async write(files: Files): Promise<void> {
    for (const [name, content] of Object.entries(files)) {
      const path = this.at(name)
      await mkdir(dirname(path), { recursive: true })
      await writeFile(`${path}~`, typeof content === 'string' ? content : JSON.stringify(content))
      await rename(`${path}~`, path)
    }
  }

  /** @param functions targets by id; paths are relative to the folder */
  async serve(
    executor: Executor,
    functions: Readonly<Record<string, FunctionTarget>>,
    build?: BuildOptions,
  ): Promise<Session> {
    const session = createSession({ ...this.#app, transport: this.#transport })
    this.#session = session
    const targets = Object.entries(functions).map(([id, target]) => [
      id,
      typeof target === 'string' ? this.at(target) : target,
    ])
    session.serve({ executor, functions: Object.fromEntries(targets), ...(build ? { build } : {}) })
    return session.open()
  }

  /** @throws what the function failed with */
  invoke(functionId: string, event: unknown = {}): Promise<unknown> {
    let stub = this.#stubs.get(functionId)
    if (!stub) {
      const key = stubKey({ ...this.#app, functionId })
      stub = createStub({
        ...this.#app,
        key,
        functionId,
        transport: this.#transport,
        env: { AWS_REGION: 'eu-west-1' },
      })
      this.#stubs.set(functionId, stub)
    }
    return stub(event, stubContext({ remainingMs: 60_000 }))
  }

  /** Saves files, and waits until a function has been loaded anew. @throws the reload's error */
  async save(functionId: string, files: Files): Promise<void> {
    const session = this.#session!
    const reloaded = new Promise<void>((resolve, reject) => {
      const onReload = (reload: { functionId: string; error?: Error | undefined }) => {
        if (reload.functionId !== functionId) return
        session.off('reload', onReload)
        if (reload.error) reject(reload.error)
        else resolve()
      }
      session.on('reload', onReload)
    })
    await this.write(files)
    await reloaded
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stub of this.#stubs.values()) await stub.close()
    await this.#session?.close()
    await rm(this.folder, { recursive: true, force: true })
  }
}
