// Loaded before a profiled process of a benchmark (`--import`): its worker threads leave profiles beside its own. The
// package starts them without the process's flags.
import { syncBuiltinESMExports } from 'node:module'
import threads from 'node:worker_threads'

const flags = process.execArgv.filter((flag) => flag.startsWith('--cpu-prof'))

threads.Worker = class extends threads.Worker {
  constructor(file, options) {
    super(file, { ...options, execArgv: [...flags, ...(options?.execArgv ?? [])] })
  }
}
syncBuiltinESMExports()
