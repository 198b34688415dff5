import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'

/** Deploys the app, changes it, and deploys it again; local code must answer after both. */
export async function checkItself({ infrastructure, deploy, cloud, folder }) {
  const { region, credentials, lambdaEndpoint: endpoint } = cloud
  const lambda = new LambdaClient({ region, credentials, endpoint })
  const invoke = async (FunctionName) => {
    const { Payload } = await lambda.send(new InvokeCommand({ FunctionName }))
    return JSON.parse(Buffer.from(Payload).toString())
  }
  const question = () =>
    new Promise((resolve, reject) => {
      const settle = (take) => (value) => {
        infrastructure.off('change', changed).off('error', failed)
        take(value)
      }
      const changed = settle(resolve)
      const failed = settle(reject)
      infrastructure.on('change', changed).on('error', failed)
    })

  const first = await question()
  console.log(`\n${first}`)
  await deploy(first)
  expect(await invoke('shop-api'), { from: 'this machine', name: 'api', orders: 'none' })
  expect(await invoke('shop-worker'), { from: 'this machine', name: 'worker' })

  const file = join(folder, 'shop.js')
  const text = await readFile(file, 'utf8')
  const asked = question()
  await writeFile(
    file,
    text
      .replace('\n\n', "\nimport { Queue } from 'aws-cdk-lib/aws-sqs'\n\n")
      .replace('super(scope, id)\n', "super(scope, id)\n    const orders = new Queue(this, 'Orders')\n")
      .replace('{ NAME: name }', '{ NAME: name, ORDERS: orders.queueName }'),
  )
  const second = await asked
  console.log(`\n${second}`)
  await deploy(second)
  const { orders, ...answer } = await invoke('shop-api')
  expect(answer, { from: 'this machine', name: 'api' })
  if (!orders.startsWith('Shop-Orders')) throw new Error(`The variable ORDERS is ${orders}.`)
  lambda.destroy()
  console.log('\nEvery change was asked about, deployed, and answered by local code.')
}

function expect(answer, expected) {
  const [is, wanted] = [answer, expected].map((value) => JSON.stringify(value))
  if (is !== wanted) throw new Error(`The answer is ${is}, not ${wanted}.`)
}
