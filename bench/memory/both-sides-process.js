// A session with worker threads and a stub in one process, as `memory` has them.
import { generateKey } from 'lambda-tether'
import { createStub } from 'lambda-tether/stub'
import { memory } from 'lambda-tether/transports/memory'
import { serveRuns } from '../invocation/runs.js'
import { onEnd, report } from '../process/child.js'
import { reportMemory } from '../process/measured.js'
import { developerSide } from '../roundtrip/developer-side.js'

const key = generateKey()
const transport = memory()
const noEcho = { serve() {} }
const session = await developerSide({ transport, echo: noEcho, key, executor: 'threads' })
const handler = createStub({ app: 'bench', stage: 'dev', functionId: 'echo', key, transport })
serveRuns(handler)
reportMemory()
onEnd(() => Promise.all([handler.close(), session.close()]))
report('ready')
