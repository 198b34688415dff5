// A deployed stub.
import { createRequire } from 'node:module'
import { onEnd, report } from '../process/child.js'
import { reportMemory } from '../process/measured.js'
import { serveRuns } from './runs.js'

const { handler } = createRequire(import.meta.url)(process.env.BENCH_BUNDLE)
serveRuns(handler)
reportMemory()
onEnd(() => handler.close())
report('ready')
