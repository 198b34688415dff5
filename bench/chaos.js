// A soak: seeded invocations of every size through many stubs while brokers restart, connections break and sessions are
// killed. Fails unless each invocation is answered, or failed with a typed error, once and with its own answer.
// Options: --count N (default 10000), --transport mosquitto|local|iot|memory (default mosquitto where it is installed,
// else local; iot keeps to AWS's rates), --seed N, --stubs N, --connections N (of the session, default 1),
// --verbose (each fault as it happens).
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { generateKey } from 'lambda-tether'
import { hasMosquitto } from './broker/mosquitto.js'
import { brokered } from './chaos/brokered.js'
import { inMemory } from './chaos/in-memory.js'
import { faultPlan } from './chaos/plan.js'
import { Progress } from './chaos/progress.js'
import { tally } from './chaos/tally.js'

export async function run(args) {
  const options = readOptions(args)
  const { count, seed, transport } = options
  const world = [brokered, inMemory].find(({ transports }) => transports.includes(transport))
  if (world === undefined) throw new Error(`There is no transport '${transport}'.`)
  const startedAt = performance.now()
  const folder = await mkdtemp(join(tmpdir(), 'bench-chaos-'))
  try {
    const faults = faultPlan({ seed, count, kinds: world.kinds })
    const report = await soak(world, { ...options, folder, key: generateKey() }, faults)
    if (report.lost + report.executedTwice + report.crossAnswered > 0) process.exitCode = 1
    return {
      transport,
      seed,
      faults: faults.length,
      ...report,
      seconds: Math.round((performance.now() - startedAt) / 1000),
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function soak(world, options, faults) {
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

function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      count: { type: 'string', default: '10000' },
      transport: { type: 'string', default: hasMosquitto() ? 'mosquitto' : 'local' },
      seed: { type: 'string', default: '1' },
      stubs: { type: 'string', default: '24' },
      connections: { type: 'string', default: '1' },
      verbose: { type: 'boolean', default: false },
    },
  })
  const { transport, verbose, ...numbers } = values
  return {
    transport,
    verbose,
    ...Object.fromEntries(Object.entries(numbers).map(([name, text]) => [name, Number(text)])),
  }
}
