import { Duration, Stack } from 'aws-cdk-lib'
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda'

export class Shop extends Stack {
  constructor(scope, id) {
    super(scope, id)
    for (const name of ['api', 'worker']) {
      new LambdaFunction(this, name, {
        functionName: `shop-${name}`,
        runtime: Runtime.NODEJS_22_X,
        handler: 'index.handler',
        timeout: Duration.seconds(20),
        code: Code.fromInline(`exports.handler = async () => ({ from: 'the cloud' })`),
        environment: { NAME: name },
      })
    }
  }
}
