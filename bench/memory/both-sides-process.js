// A session with worker threads and a stub in one process, as `memory` has them.
import { generateKey } from 'lambda-tether'
import { createStub, stubKey } from 'lambda-tether/stub'
import { memory } from 'lambda-tether/transports/memory'
import { serveRuns } from '../invocation/runs.js'
import { onEnd, report } from '../process/child.js'
import { reportMemory } from '../process/measured.js'
import { developerSide } from '../roundtrip/developer-side.js'

const [key, parties] = [generateKey(), { app: 'bench', stage: 'dev', functionId: 'echo' }]
const transport = memory()
const noEcho = { serve() {} }
const session = await developerSide({ transport, echo: noEcho, key, executor: 'threads' })
const handler = createStub({ ...parties, key: stubKey({ ...parties, key }), transport })
serveRuns(handler)
reportMemory()
onEnd(() => Promise.all([handler.close(), session.close()]))
report('ready')
