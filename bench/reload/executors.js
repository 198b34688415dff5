import { childProcesses, workerThreads } from 'lambda-tether/executors'

/** The executors that are measured for TypeScript. */
export const executors = {
  threads: () => workerThreads(),
  processes: () => childProcesses(),
}
