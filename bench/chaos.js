// A soak: seeded invocations of every size, a third of them streamed, through many stubs while brokers restart, connections break and sessions are
// killed. Fails unless each invocation is answered, or failed with a typed error, once and with its own answer, and no more
// run again after crashes than were in flight at them.
// Options: --count N (default 10000), --transport mosquitto|local|iot|api-gateway|memory (default mosquitto where it is installed,
// else local; iot keeps to AWS's rates), --seed N, --stubs N, --connections N (of the session, default 1),
// --verbose (each fault as it happens).
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createSession, generateKey, TetherError } from 'lambda-tether'
import { createStub, stubKey } from 'lambda-tether/stub'
import { memory } from 'lambda-tether/transports/memory'
import { hasMosquitto } from './broker/mosquitto.js'
import { brokered } from './chaos/brokered.js'
import { inMemory } from './chaos/in-memory.js'
import { faultPlan } from './chaos/plan.js'
import { soak } from './chaos/soak.js'
import { brokenPromises } from './chaos/tally.js'

const WORLDS = [brokered, inMemory({ createSession, createStub, memory, stubKey, TetherError })]

export async function run(args) {
  const options = readOptions(args)
  const { count, seed, transport } = options
  const world = WORLDS.find(({ transports }) => transports.includes(transport))
  if (world === undefined) throw new Error(`There is no transport '${transport}'.`)
  const startedAt = performance.now()
  const folder = await mkdtemp(join(tmpdir(), 'bench-chaos-'))
  try {
    const faults = faultPlan({ seed, count, kinds: world.kinds })
    const report = await soak(world, { ...options, folder, key: generateKey() }, faults)
    const broken = brokenPromises(report)
    if (broken.length > 0) {
      console.error(`not so: ${broken.join('; ')}`)
      process.exitCode = 1
    }
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
