// A process that imports the packages which a host needs, and does nothing with them.
import { onEnd, report } from '../process/child.js'

await Promise.all([import('mqtt'), import('ws'), import('eventemitter3'), import('esbuild')])
report('imported', { ms: performance.now() })
onEnd(() => {})
