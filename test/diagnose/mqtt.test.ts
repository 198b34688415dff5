import { once } from 'node:events'
import { Agent } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import { mqtt } from '../../src/transports/mqtt.js'
import { ManualClock } from '../support/manual-clock.js'
import { makeCertificates } from '../support/tls.js'
import { ScriptedBroker } from '../transports/scripted-broker.js'
import { found } from './found.js'

describe('diagnose() of an MQTT broker', () => {
  it('tells that a broker drops messages in silence', async () => {
    await using broker = await ScriptedBroker.listen()
    const clock = new ManualClock()
    const finding = found({ transport: mqtt({ url: broker.url }), clock, checkTimeoutMs: 300 })
    // The first looks whether there is a way.
    await broker.accept()
    const peer = await broker.accept()
    await peer.admit()
    await peer.next('publish')
    await clock.advance(300)
    await clock.advance(50)
    const { outcomes, seen } = await finding
    expect(outcomes).toEqual({
      endpoint: 'ok',
      proxy: 'ok',
      resolve: 'ok',
      socket: 'ok',
      connect: 'ok',
      subscribe: 'ok',
      echo: 'failed',
      presence: 'unknown',
      name: 'warning',
      stubs: 'unknown',
    })
    expect(seen.echo).toMatch(
      /^A frame to lambda-tether\/shop\/dev\/session\/default\/0 did not arrive.*within 300 ms\.$/,
    )
  })

  it('ends where a broker says nothing at all', async () => {
    await using broker = await ScriptedBroker.listen()
    const transport = mqtt({ url: broker.url, connectTimeoutMs: 300 })
    const { outcomes, seen } = await found({ transport })
    expect(outcomes).toMatchObject({ socket: 'ok', connect: 'failed', subscribe: 'skipped' })
    expect(seen.connect).toContain('no connection within 300 ms')
  })

  it('names the issuer of a certificate that is not trusted, and the way to trust it', async () => {
    await using certificates = await makeCertificates()
    const { serverCert: cert, serverKey: key, ca } = certificates
    const server = createServer({ cert, key }, (socket) => socket.end())
    await once(server.listen(0, '127.0.0.1'), 'listening')
    onTestFinished(() => void server.close())
    const url = `mqtts://localhost:${(server.address() as AddressInfo).port}`
    const untrusted = await found({ transport: mqtt({ url }) })
    expect(untrusted.outcomes).toMatchObject({ tls: 'failed', connect: 'skipped', echo: 'skipped' })
    expect(untrusted.seen.tls).toMatch(
      /^TLSv1\.3, certificate by ca, until .*, which is not trusted \(UNABLE_TO_VERIFY/,
    )
    expect(untrusted.advice.tls).toContain("pass its certificate as 'ca'")
    // What is behind TLS is no broker.
    const trusted = await found({ transport: mqtt({ url, ca }) })
    expect(trusted.outcomes).toMatchObject({ tls: 'ok', connect: 'failed' })
    const any = await found({ transport: mqtt({ url, rejectUnauthorized: false }) })
    expect(any.outcomes).toMatchObject({ tls: 'warning', connect: 'failed' })
  })

  it('goes by the agent of the transport, and shows no password', async () => {
    await using broker = await ScriptedBroker.listen()
    const url = broker.url.replace('mqtt://127.0.0.1', 'mqtt://me:hidden@broker.test')
    class OwnAgent extends Agent {
      override createConnection(...[options, ...rest]: Parameters<Agent['createConnection']>) {
        return super.createConnection({ ...options, host: '127.0.0.1' }, ...rest)
      }
    }
    const finding = found({ transport: mqtt({ url, agent: new OwnAgent() }) })
    await broker.accept()
    const peer = await broker.accept()
    const { connect } = await peer.admit()
    expect(String(connect.password)).toBe('hidden')
    peer.socket.destroy()
    const { outcomes, seen, diagnosis } = await finding
    expect(outcomes).toMatchObject({
      proxy: 'ok',
      resolve: 'ok',
      socket: 'ok',
      subscribe: 'ok',
      echo: 'failed',
    })
    expect(seen.proxy).toBe("By the 'agent' that the transport was given (OwnAgent).")
    expect(seen.endpoint).toContain('with a user name')
    expect(JSON.stringify(diagnosis)).not.toContain('hidden')
  })
})
