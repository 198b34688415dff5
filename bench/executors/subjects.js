import { childProcesses, inline, workerThreads } from 'lambda-tether/executors'

// Spares are measured by `reload`; here they would be counted as what a worker costs.
const spares = 0

/** Every executor with a handler that answers with its event. */
export const subjects = {
  inline: {
    executor: () => inline(),
    build: () => ({ kind: 'module', load: async () => async (event) => event }),
  },
  threads: { executor: () => workerThreads({ spares }), build: (folder) => module(`${folder}/echo.mjs`) },
  processes: { executor: () => childProcesses({ spares }), build: (folder) => module(`${folder}/echo.mjs`) },
  python: { executor: () => childProcesses({ spares }), build: (folder) => module(`${folder}/echo.py`) },
}

/** The files that the builds name. */
export const files = {
  'echo.mjs': 'export const handler = async (event) => event\n',
  'echo.py': 'def handler(event, context):\n    return event\n',
}

function module(path) {
  return { kind: 'file', path, exportName: 'handler' }
}
