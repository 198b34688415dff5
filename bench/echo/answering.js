import { startProcess } from '../process/start.js'

/** A process that answers raw echoes, in the session's place. */
export async function startAnswering({ transport, url }) {
  const answering = startProcess(new URL('./answering-process.js', import.meta.url), {
    BENCH_TRANSPORT: transport,
    BENCH_URL: url,
  })
  await answering.message('ready')
  return answering
}
