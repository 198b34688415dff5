// npx cdk deploy --app 'node app.js': a stack with two functions, live where TETHER_KEY is set.
import { App, Aspects, Stack } from 'aws-cdk-lib'
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda'
import { Tether } from './tether.js'

const app = new App()
const stack = new Stack(app, 'Shop')
const code = Code.fromInline('exports.handler = async () => "the cloud"')
new LambdaFunction(stack, 'api', { runtime: Runtime.NODEJS_22_X, handler: 'index.handler', code })
new LambdaFunction(stack, 'report', {
  runtime: Runtime.PYTHON_3_13,
  handler: 'index.handler',
  code: Code.fromInline('def handler(event, context): return "the cloud"'),
})

const { TETHER_KEY: key, TETHER_ENDPOINT: endpoint } = process.env
if (key) Aspects.of(stack).add(new Tether({ app: 'shop', stage: 'dev', key, endpoint }))
app.synth()
