// One function served from a folder of its own, over `memory()`, and the stubs that invoke it.
import { mkdir, mkdtemp, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createSession, generateKey } from 'lambda-tether'
import { createStub, stubKey } from 'lambda-tether/stub'
import { memory } from 'lambda-tether/transports/memory'
import { lambdaContext } from '../invocation/context.js'

const FUNCTION = 'api'
const TIME_LIMIT_MS = 30_000

/** @param source the handler's first TypeScript. @param stubs how many there are, each an execution environment */
export async function liveFunction({ executor, source, stubs: count = 1 }) {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'tether-reload-')))
  const entry = join(folder, 'api.ts')
  await mkdir(join(folder, 'node_modules'))
  const zod = createRequire(import.meta.url).resolve('zod/package.json')
  await symlink(dirname(zod), join(folder, 'node_modules', 'zod'), 'junction')
  await writeFile(entry, source)

  const stage = { app: 'reload', stage: 'bench' }
  const [root, transport] = [generateKey(), memory()]
  const session = createSession({ ...stage, key: root, transport })
  session.serve({ executor, functions: { [FUNCTION]: `${entry}#handler` } })
  await session.open()
  const key = stubKey({ ...stage, key: root, functionId: FUNCTION })
  const stubs = Array.from({ length: count }, () =>
    createStub({ ...stage, key, transport, functionId: FUNCTION, env: { TABLE: 'orders' } }),
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
