// Lambda Live Debugger's npm release beside this package: its stub and its client, driven through the same local broker
// with the same network in between, 1 KB each way. It is installed in a temporary folder. Options: --cold N (processes
// at each distance, default 10), --warm N (invocations at each distance, default 30).
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { installLambdaLiveDebugger } from './peers/install.js'
import { lambdaLiveDebugger } from './peers/lambda-live-debugger.js'
import { lambdaTether } from './peers/lambda-tether.js'
import { median } from './statistics/quantile.js'

const ROUND_TRIPS_MS = [0, 45]

export async function run(args) {
  const { values } = parseArgs({
    args,
    options: { cold: { type: 'string', default: '10' }, warm: { type: 'string', default: '30' } },
  })
  const counts = { cold: Number(values.cold), warm: Number(values.warm) }
  const folder = await mkdtemp(join(tmpdir(), 'bench-peers-'))
  try {
    const installed = await installLambdaLiveDebugger(folder)
    const rows = []
    for (const roundTripMs of ROUND_TRIPS_MS) {
      const tether = await lambdaTether({ roundTripMs, ...counts })
      const peer = await lambdaLiveDebugger({ installed, roundTripMs, ...counts })
      rows.push({
        roundTripMs,
        tetherColdMs: round(median(tether.cold)),
        peerColdMs: round(median(peer.cold)),
        tetherWarmMs: round(median(tether.warm)),
        peerWarmMs: round(median(peer.warm)),
      })
    }
    return { peer: 'lambda-live-debugger', version: installed.version, ...counts, rows }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const round = (ms) => Math.round(ms * 10) / 10
