// One function served from a folder of its own, over `memory()`, and the stubs that invoke it.
import { mkdir, mkdtemp, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { importBuilt, stubKeyOf } from '../builds/build.js'
import { lambdaContext } from '../invocation/context.js'
import { projectFiles, projectLinks } from './handlers.js'

const FUNCTION = 'api'
const TIME_LIMIT_MS = 30_000

/**
 * @param source the handler's first TypeScript. @param stubs how many there are, each an execution environment
 * @param build the folder of the build; by default this checkout
 */
export async function liveFunction({ executor, source, stubs: count = 1, build }) {
  const { createSession, generateKey } = await importBuilt('lambda-tether', build)
  const stub = await importBuilt('lambda-tether/stub', build)
  const { memory } = await importBuilt('lambda-tether/transports/memory', build)
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'tether-reload-')))
  const entry = join(folder, 'api.ts')
  for (const [path, text] of Object.entries(projectFiles)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  for (const [name, target] of Object.entries(projectLinks)) {
    await mkdir(dirname(join(folder, 'node_modules', name)), { recursive: true })
    await symlink(join(folder, target), join(folder, 'node_modules', name), 'junction')
  }
  const zod = createRequire(import.meta.url).resolve('zod/package.json')
  await symlink(dirname(zod), join(folder, 'node_modules', 'zod'), 'junction')
  await writeFile(entry, source)

  const stage = { app: 'reload', stage: 'bench' }
  const [root, transport] = [generateKey(), memory()]
  const session = createSession({ ...stage, key: root, transport })
  session.serve({ executor, functions: { [FUNCTION]: `${entry}#handler` } })
  await session.open()
  const key = stubKeyOf(stub, { ...stage, key: root, functionId: FUNCTION })
  const stubs = Array.from({ length: count }, () =>
    stub.createStub({ ...stage, key, transport, functionId: FUNCTION, env: { TABLE: 'orders' } }),
  )
  let saves = 0

  return {
    session,
    /** Atomic, as editors save: a rename over the file. Returns when that was done. */
    async save(text) {
      const written = join(folder, `.api.ts.${saves++}`)
      await writeFile(written, text)
      const at = performance.now()
      await rename(written, entry)
      return at
    },
    invoke(event = {}, index = 0) {
      const deadline = performance.now() + TIME_LIMIT_MS
      const context = lambdaContext({ functionName: FUNCTION, awsRequestId: crypto.randomUUID(), deadline })
      return stubs[index](event, context)
    },
    stats: () => executor.stats()[FUNCTION],
    async close() {
      await Promise.all(stubs.map((stub) => stub.close()))
      await session.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
