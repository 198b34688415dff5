// One cold environment: reports the processor time of its first invocation.
import { createRequire } from 'node:module'
import { onEnd, report } from '../process/child.js'

const { handler } = createRequire(import.meta.url)(process.env.BENCH_BUNDLE)
const before = process.cpuUsage()
const context = { awsRequestId: 'r', functionName: 'api', getRemainingTimeInMillis: () => 10_000 }
// If the machine is so busy that the cards take over 100 ms, no session takes it: its cost counts all the same.
const outcome = await handler({ of: 'D' }, context).catch(({ name }) => name)
const { user, system } = process.cpuUsage(before)
onEnd(() => handler.close())
report('answered', { cpuMs: (user + system) / 1_000, outcome })
