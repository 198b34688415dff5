import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { LocalBroker, LocalBrokerOptions } from '../../src/local/index.js'
import { createLocalBroker } from '../../src/local/iot/broker.js'
import { runFile } from '../../src/run-files.js'
import { stubEnvironment } from '../../src/stub/index.js'
import { iotLight } from '../../src/transports/iot/light.js'
import { iot } from '../../src/transports/iot.js'
import { FaultyTransport } from '../support/faulty-transport.js'
import { ManualClock } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'
import { startWsBridge } from '../support/ws-bridge.js'
import { identity, region } from './iot-gateway.js'

async function openBroker(options: LocalBrokerOptions = {}): Promise<LocalBroker> {
  const broker = createLocalBroker({ region, identities: [identity], ...options })
  onTestFinished(() => broker.close())
  await broker.open()
  return broker
}

const echo = { api: (event: unknown) => ({ echo: event }) }

/** A deployed stub in a process of its own. */
async function startStubProcess(env: Record<string, string>) {
  const script = fileURLToPath(new URL('../support/stub-process.cjs', import.meta.url))
  const child = fork(script, [runFile('stub-iot')], { env: { PATH: process.env.PATH, ...env }, execArgv: [] })
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  await once(child, 'message')
  return {
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    async invoke(event: unknown, requestId: string) {
      const answer = once(child, 'message')
      child.send({ event, requestId, remainingMs: 15_000 })
      return (await answer)[0] as unknown
    },
  }
}

describe('the local broker', () => {
  test('takes both iot transports, and carries more than 128 KB each way', async () => {
    const broker = await openBroker()
    const options = { endpoint: broker.webSocketUrl, region, credentials: () => identity }
    await using tether = new Tether()
    await tether
      .session({ transport: iot(options) })
      .serve({ functions: echo })
      .open()
    const stub = tether.stub({ transport: iotLight(options) })
    const text = '漢字'.repeat(30_000)
    expect(await stub({ text }, stubContext())).toEqual({ echo: { text } })
    expect(broker.stats()).toMatchObject({ connections: 2, discarded: 0 })
  })

  // Where there is no SIGSTOP, nothing freezes.
  test.skipIf(process.platform === 'win32')(
    'may drop a frozen stub: its first invocation after the thaw succeeds',
    async () => {
      const broker = await openBroker()
      await using tether = new Tether()
      const transport = iot({ endpoint: broker.webSocketUrl, region, credentials: identity })
      const session = tether.session({ transport }).serve({ functions: echo })
      await session.open()
      const stub = await startStubProcess({
        ...stubEnvironment({
          app: 'shop',
          stage: 'dev',
          key: tether.key,
          functionId: 'api',
          endpoint: broker.webSocketUrl,
        }),
        AWS_REGION: region,
        AWS_ACCESS_KEY_ID: identity.accessKeyId,
        AWS_SECRET_ACCESS_KEY: identity.secretAccessKey,
        AWS_SESSION_TOKEN: identity.sessionToken!,
      })
      expect(await stub.invoke('before', 'request-1')).toEqual({ result: { echo: 'before' } })
      stub.freeze()
      const back = new Promise<void>((resolve) => {
        session.on('status', ({ state }) => {
          if (state === 'connected') resolve()
        })
      })
      broker.disconnectAll()
      await back
      expect(broker.stats().connections).toBe(1)
      stub.thaw()
      expect(await stub.invoke('after', 'request-2')).toEqual({ result: { echo: 'after' } })
    },
  )

  test('may have forgotten a frozen stub without a word: its first invocation after the thaw succeeds', async () => {
    const broker = await openBroker()
    const bridge = await startWsBridge({ port: Number(new URL(broker.mqttUrl).port) })
    onTestFinished(() => bridge[Symbol.asyncDispose]())
    await using tether = new Tether()
    const credentials = () => identity
    await tether
      .session({ transport: iot({ endpoint: broker.webSocketUrl, region, credentials }) })
      .serve({ functions: echo })
      .open()
    // Its timers never fire by themselves: only the connection's replacement can save the invocation.
    const clock = new ManualClock(Date.now())
    const stub = tether.stub({
      clock,
      transport: iotLight({ endpoint: bridge.url, region, credentials, clock }),
    })
    expect(await stub('before', stubContext())).toEqual({ echo: 'before' })
    bridge.silence()
    clock.jump(10 * 60_000)
    expect(await stub('after', stubContext())).toEqual({ echo: 'after' })
    expect(bridge.asked).toHaveLength(2)
    const closing = stub.close()
    await clock.advance(2_000)
    await closing
  })

  test('has the session opened last alone answer, from the moment that open() resolves', async () => {
    // So that nothing of its presence is dropped, and opening takes no longer than it must.
    const broker = await openBroker({ limits: { retainIntervalMs: 0 } })
    const options = { endpoint: broker.webSocketUrl, region, credentials: () => identity }
    await using tether = new Tether()
    const stubs = [1, 2].map(() => tether.stub({ transport: iotLight(options) }))
    let before: { own: FaultyTransport; displaced: Promise<void> } | undefined
    for (let round = 0; round < 10; round++) {
      const own = new FaultyTransport(iot(options))
      const session = tether.session({ transport: own }).serve({ functions: { api: () => round } })
      const displaced = new Promise<void>((resolve) => session.once('displaced', () => resolve()))
      await session.open()
      before?.own.take('stub')
      expect(await Promise.all(stubs.map((stub) => stub({}, stubContext())))).toEqual([round, round])
      await before?.displaced
      expect(before?.own.take('stub') ?? []).toEqual([])
      before = { own, displaced }
    }
  })

  test('gives the name to one of two sessions that open at once, and the other answers nothing', async () => {
    const broker = await openBroker({ limits: { retainIntervalMs: 0 } })
    const options = { endpoint: broker.webSocketUrl, region, credentials: () => identity }
    for (let round = 0; round < 4; round++) {
      await using tether = new Tether()
      const both = ['one', 'two'].map((label) => {
        const own = new FaultyTransport(iot(options))
        const session = tether.session({ transport: own }).serve({ functions: { api: () => label } })
        const displaced = new Promise<string>((resolve) => session.once('displaced', () => resolve(label)))
        return { label, own, session, displaced }
      })
      const opened = await Promise.allSettled(both.map(({ session }) => session.open()))
      for (const { own } of both) own.take('stub')
      const answers = [1, 2].map(() => tether.stub({ transport: iotLight(options) })({}, stubContext()))
      const [answer, same] = await Promise.all(answers)
      expect(same).toBe(answer)
      const lost = both.find(({ label }) => label !== answer)!
      expect(await Promise.race(both.map(({ displaced }) => displaced))).toBe(lost.label)
      expect(lost.own.take('stub')).toEqual([])
      for (const one of opened)
        if (one.status === 'rejected') expect(one).toMatchObject({ reason: { code: 'DISPLACED' } })
      await Promise.all(both.map(({ session }) => session.close()))
    }
  })
})
