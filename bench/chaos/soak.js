import { Progress } from './progress.js'
import { tally } from './tally.js'

/** Runs the load in one of the worlds while the faults happen. @returns the report */
export async function soak(world, options, faults) {
  const progress = new Progress()
  const running = await world.start({ ...options, onProgress: (more) => progress.add(more) })
  try {
    const inFlightAtCrashes = await inflictAll(faults, running, progress, options)
    const results = await running.done
    await running.end()
    const sessions = await running.sessions()
    if (options.verbose)
      console.error(`resident MB: ${JSON.stringify([...results, ...sessions].map(memoryOf))}`)
    return tally({ results, sessions, inFlightAtCrashes })
  } finally {
    await running.stop()
  }
}

/** @returns how many invocations were in flight at crashes, all crashes together */
async function inflictAll(faults, running, progress, { verbose }) {
  let inFlight = 0
  for (const fault of faults) {
    const over = await Promise.race([progress.reaches(fault.after), running.done.then(() => true)])
    if (over) break
    if (verbose) console.error(`${progress.settled}: ${fault.kind} ${fault.forMs} ms`)
    if (fault.kind === 'crash') inFlight += await running.crash(fault.forMs)
    else await running.inflict(fault)
  }
  return inFlight
}

const memoryOf = ({ residentMb }) => residentMb.map(Math.round)
