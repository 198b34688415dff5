import { createRequire } from 'node:module'
import { createStub, stubBundle } from 'lambda-tether/stub'
import { carrierOf } from '../carriers/index.js'
import { onEnd, report } from '../process/child.js'
import { runStubs, streams } from './stub-side.js'

const { BENCH_SEED, BENCH_TRANSPORT, BENCH_URL, BENCH_FROM, BENCH_TO, BENCH_STUBS } = process.env
const require = createRequire(import.meta.url)
// The environment variables of each function's stub.
const settings = JSON.parse(process.env.BENCH_SETTINGS)
const carrier = carrierOf(BENCH_TRANSPORT)

// Half of them as an embedding host makes them, half as they are deployed.
const makeStub = (functionId, index) => (index % 4 < 2 ? embedded(functionId, index) : deployed(functionId))

function embedded(functionId, index) {
  return createStub({
    app: 'chaos',
    stage: 'bench',
    key: settings[functionId].LAMBDA_TETHER_KEY,
    functionId,
    transport: carrier.transport(BENCH_URL),
    streaming: streams(functionId),
    env: { ENVIRONMENT: String(index) },
  })
}

// A bundle reads its environment when it is loaded, and is one execution environment.
function deployed(functionId) {
  Object.assign(process.env, settings[functionId])
  const { path } = stubBundle(carrier.bundle)
  const { handler } = require(path)
  delete require.cache[path]
  return handler
}

const run = await runStubs({
  seed: Number(BENCH_SEED),
  from: Number(BENCH_FROM),
  to: Number(BENCH_TO),
  stubs: Number(BENCH_STUBS),
  makeStub,
  onProgress: (settled) => report('progress', { settled }),
})
process.on('message', ({ type }) => {
  if (type === 'inFlight') report('inFlight', { count: run.inFlight() })
})
// If the parent ends before the run is done, there is no receiver left to report to.
onEnd(() => process.exit())
report('done', { result: await run.done })
