// node examples/custom-transport/conformance.js: holds the transport against the suite that this package's own pass, then
// has a session answer a stub over it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSession, generateKey } from 'lambda-tether'
import { createStub, stubKey } from 'lambda-tether/stub'
import { transportConformance } from 'lambda-tether/testing'
import { startHub } from './hub.js'
import { tcp } from './tcp.js'

transportConformance({
  test,
  without: ['serve', 'keep'],
  async factory() {
    const hub = await startHub()
    return { transport: tcp(hub), cut: hub.cut, close: hub.close }
  },
})

test('a session answers a stub', async () => {
  const hub = await startHub()
  const stage = { app: 'shop', stage: 'dev' }
  const [root, transport] = [generateKey(), tcp(hub)]
  const session = createSession({ ...stage, key: root, transport })
  session.on('invoke', (invocation) => invocation.respond(invocation.event))
  await session.open()
  const key = stubKey({ ...stage, key: root, functionId: 'echo' })
  const stub = createStub({ ...stage, key, transport, functionId: 'echo' })
  const event = { text: '漢'.repeat(400_000) }
  assert.deepEqual(await stub(event, { getRemainingTimeInMillis: () => 10_000 }), event)
  await stub.close()
  await session.close()
  await hub.close()
})
