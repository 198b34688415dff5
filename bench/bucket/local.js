import { startProcess } from '../process/start.js'

/** The local cloud's S3 endpoint in a process of its own, with one bucket. */
export async function startBucket() {
  const server = startProcess(new URL('./local-process.js', import.meta.url))
  const { port, name } = await server.message('ready')
  return { port, name, stop: () => server.end() }
}
