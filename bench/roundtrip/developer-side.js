import { fileURLToPath } from 'node:url'
import { createSession } from 'lambda-tether'
import { workerThreads } from 'lambda-tether/executors'

/** A session that answers with the event, and the raw echo's answering side. */
export async function developerSide({ transport, echo, key, executor }) {
  await echo.serve()
  const session = createSession({ app: 'bench', stage: 'dev', key, transport })
  session.serve(
    executor === 'inline'
      ? { functions: { echo: async (event) => event } }
      : {
          executor: workerThreads(),
          functions: { echo: `${fileURLToPath(new URL('./echo.mjs', import.meta.url))}#handler` },
        },
  )
  await session.open()
  return { close: () => session.close() }
}
