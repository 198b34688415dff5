// The parts of the tests: functions with real triggers, and a session from which the tests take invocations. Here both live in
// the local cloud; against AWS only `session` remains, with `iot({ region })`, and the triggers are your stage's own.
import { createSession, generateKey } from 'lambda-tether'
import { createLocalCloud } from 'lambda-tether/local'
import { stubBundle, stubEnvironment } from 'lambda-tether/stub'
import { iot } from 'lambda-tether/transports/iot'

export async function startHarness() {
  const cloud = createLocalCloud()
  await cloud.open()
  const { region, credentials, iotEndpoint: endpoint } = cloud
  const tether = { app: 'harness', stage: 'test', key: generateKey() }
  const deploy = (functionId) =>
    cloud.function({
      name: `harness-test-${functionId}`,
      bundle: stubBundle('iot').path,
      handler: 'stub-iot.handler',
      timeoutMs: 20_000,
      environment: stubEnvironment({ ...tether, functionId, endpoint }),
    })
  const topic = cloud.topic('orders')
  topic.subscribe(deploy('on-order'))
  const { url } = await cloud.httpApi(deploy('api'))

  const session = createSession({ ...tether, transport: iot({ region, credentials, endpoint }) })
  await session.open()
  return {
    session,
    topic,
    url,
    async close() {
      await session.close()
      await cloud.close()
    },
  }
}
