import { childProcesses, inline, workerThreads } from 'lambda-tether/executors'
import { bareProcesses, bareThreads } from './bare.js'
import { emptyProcess, emptyThread } from './empty.js'

// `reload` measures spares; here they would count as a worker's cost.
const spares = 0

/**
 * Every executor with a handler that answers with its event. Those with workers have floors: `bare` ones, which echo and do
 * nothing else, and the start of an `empty` one.
 */
export const subjects = {
  inline: {
    executor: () => inline(),
    build: () => ({ kind: 'module', load: async () => async (event) => event }),
  },
  threads: {
    executor: () => workerThreads({ spares }),
    build: (folder) => module(`${folder}/echo.mjs`),
    bare: bareThreads,
    empty: (folder) => emptyThread(`${folder}/empty.mjs`),
  },
  processes: {
    executor: () => childProcesses({ spares }),
    build: (folder) => module(`${folder}/echo.mjs`),
    bare: bareProcesses,
    empty: (folder) => emptyProcess(process.execPath, `${folder}/empty.mjs`),
  },
  python: {
    executor: () => childProcesses({ spares }),
    build: (folder) => module(`${folder}/echo.py`),
    bare: bareProcesses,
    empty: (folder) => emptyProcess('python3', `${folder}/empty.py`),
  },
}

/** The files that these name. */
export const files = {
  'echo.mjs': 'export const handler = async (event) => event\n',
  'echo.py': 'def handler(event, context):\n    return event\n',
  'empty.mjs': '',
  'empty.py': '',
}

function module(path) {
  return { kind: 'file', path, exportName: 'handler' }
}
