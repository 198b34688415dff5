import { cold } from './cold.js'
import { compare } from './compare.js'
import { cost } from './cost.js'
import { executors } from './executors.js'
import { inspector } from './inspector.js'
import { memory } from './memory.js'
import { mirror } from './mirror.js'
import { payload } from './payload.js'
import { peers } from './peers.js'
import { recording } from './recording.js'
import { reload } from './reload.js'
import { replay } from './replay.js'
import { roundtrip } from './roundtrip.js'
import { sharing } from './sharing.js'
import { start } from './start.js'
import { streaming } from './streaming.js'
import { stub } from './stub.js'
import { throughput } from './throughput.js'
import { units } from './units.js'

/**
 * The page, in order. A section names its benchmark and the `runs` that it needs, given all `transports`, the
 * `brokered` ones among them, and whether to be `quick`. It writes its blocks from the results of the runs that
 * succeeded, as pairs of label and result: Markdown, or an SVG by name.
 */
export const sections = [
  roundtrip,
  cost,
  cold,
  start,
  stub,
  payload,
  streaming,
  throughput,
  units,
  reload,
  replay,
  recording,
  inspector,
  sharing,
  compare,
  executors,
  memory,
  mirror,
  peers,
]
