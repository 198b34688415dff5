import { cold } from './cold.js'
import { cost } from './cost.js'
import { executors } from './executors.js'
import { memory } from './memory.js'
import { mirror } from './mirror.js'
import { payload } from './payload.js'
import { peers } from './peers.js'
import { reload } from './reload.js'
import { roundtrip } from './roundtrip.js'
import { start } from './start.js'
import { stub } from './stub.js'
import { throughput } from './throughput.js'
import { units } from './units.js'

/**
 * The page, in order. A section names its benchmark and the `runs` it takes, given `transports`, those of them that are
 * `brokered`, and whether to be `quick`. It writes its blocks from the results of the runs that succeeded, as pairs of
 * label and result: Markdown, or an SVG by name.
 */
export const sections = [
  roundtrip,
  cost,
  cold,
  start,
  stub,
  payload,
  throughput,
  units,
  reload,
  executors,
  memory,
  mirror,
  peers,
]
