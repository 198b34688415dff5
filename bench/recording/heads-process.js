// Lists the heads of a folder, and tells how long that took from the start of this process.
import { openRecordings } from 'lambda-tether/recorder'
import { onEnd, report } from '../process/child.js'

onEnd(() => {})
const heads = await openRecordings(process.env.BENCH_FOLDER).heads()
report('heads', { ms: performance.now(), count: heads.length })
