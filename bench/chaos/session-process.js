import { openSync, writeSync } from 'node:fs'
import { createSession } from 'lambda-tether'
import { carrierOf } from '../carriers/index.js'
import { onEnd, report } from '../process/child.js'
import { residentMb } from '../process/memory.js'
import { openSession } from './session-side.js'

const MEASURE_EVERY = 200
const { BENCH_SEED, BENCH_KEY, BENCH_TRANSPORT, BENCH_URL, BENCH_CONNECTIONS, BENCH_STARTS } = process.env

// Written before anything else happens, so that a SIGKILL loses no start.
const starts = openSync(BENCH_STARTS, 'a')
let started = 0
const session = await openSession({
  createSession,
  seed: Number(BENCH_SEED),
  key: BENCH_KEY,
  transport: carrierOf(BENCH_TRANSPORT).transport(BENCH_URL),
  connections: Number(BENCH_CONNECTIONS),
  onStart({ requestId, rerun }) {
    writeSync(starts, `${requestId} ${rerun ? 'rerun' : 'first'} ${Date.now()}\n`)
    if (++started % MEASURE_EVERY === 0) report('resident', { mb: residentMb() })
  },
})
onEnd(() => session.close())
report('open')
