import { expect, it } from 'vitest'
import { systemClock } from '../../src/core/base/clock.js'
import { createSession, generateKey } from '../../src/index.js'
import { createStub, stubKey } from '../../src/stub/index.js'
import { mqtt } from '../../src/transports/mqtt.js'
import { stubContext } from '../support/stub-context.js'
import { events, openBroker } from './local-broker-fixture.js'

// Prior art had a subscription for each function; past the broker's 50 they were dropped in silence.
it('prior art 6: 200 functions on one session need one subscription, and each answers', async () => {
  const { broker } = await openBroker({
    clock: systemClock,
    limits: { publishesPerSecond: Number.POSITIVE_INFINITY },
  })
  const subscribed = events(broker, 'subscribe')
  // Beside what it keeps to say that it is there.
  const own = () => subscribed.filter(({ filter }) => filter.includes('/session/'))
  const stage = { app: 'many', stage: 'test' }
  const [root, transport] = [generateKey(), mqtt({ url: broker.mqttUrl })]
  const names = Array.from({ length: 200 }, (_, n) => `function-${n}`)
  const functions = Object.fromEntries(names.map((name) => [name, () => name]))
  await using session = createSession({ ...stage, key: root, transport }).serve({ functions })
  await session.open()
  expect(own()).toHaveLength(1)

  for (const functionId of names) {
    const key = stubKey({ ...stage, key: root, functionId })
    const stub = createStub({ ...stage, key, transport, functionId, env: {} })
    expect(await stub({}, stubContext())).toBe(functionId)
    await stub.close()
  }
  expect(own()).toHaveLength(1)
})
