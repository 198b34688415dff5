import { importBuilt } from '../builds/build.js'

/** The executors to measure for TypeScript. @param folder of the build; by default this checkout */
export async function executorsOf(folder) {
  const { childProcesses, workerThreads } = await importBuilt('lambda-tether/executors', folder)
  return { threads: () => workerThreads(), processes: () => childProcesses() }
}
