// Lambda Live Debugger's client: its own modules, without the command that deploys to AWS first.
import { fileURLToPath } from 'node:url'
import { onEnd, report } from '../process/child.js'

const { BENCH_MODULES, BENCH_FUNCTION, BENCH_DEBUGGER, AWS_REGION } = process.env
const { Configuration } = await import(`${BENCH_MODULES}/configuration.mjs`)
const { LambdaConnection } = await import(`${BENCH_MODULES}/lambdaConnection.mjs`)

Configuration.setConfig({
  region: AWS_REGION,
  debuggerId: BENCH_DEBUGGER,
  framework: 'none',
  getLambdas: async () => [
    {
      functionName: BENCH_FUNCTION,
      // The same handler as on the other side; JavaScript, so that there is no build to wait for.
      codePath: fileURLToPath(new URL('../roundtrip/echo.mjs', import.meta.url)),
      handler: 'handler',
    },
  ],
})
await Configuration.discoverLambdas()
await LambdaConnection.connect()
onEnd(() => process.exit())
report('ready')
