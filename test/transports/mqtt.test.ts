import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LANES } from '../../src/core/contracts/transport.js'
import type { MqttOptions } from '../../src/transports/mqtt.js'
import { type Mosquitto, mosquitto, startMosquitto } from '../support/mosquitto.js'
import { type Certificates, makeCertificates } from '../support/tls.js'
import { startWsBridge, type WsBridge } from '../support/ws-bridge.js'
import { CLIENTS } from './clients.js'
import { failure, Inbox, session, stub } from './inbox.js'

type Carrier = 'TCP' | 'TLS' | 'WebSocket' | 'WebSocket over TLS'
const CARRIERS: readonly Carrier[] = ['TCP', 'TLS', 'WebSocket', 'WebSocket over TLS']

describe.skipIf(!mosquitto)('MQTT transports (needs Mosquitto)', () => {
  let certificates: Certificates
  let broker: Mosquitto
  let bridge: WsBridge
  let secureBridge: WsBridge

  beforeAll(async () => {
    certificates = await makeCertificates()
    broker = await startMosquitto({ tls: certificates })
    bridge = await startWsBridge({ port: broker.port })
    secureBridge = await startWsBridge({ port: broker.port, tls: certificates })
  })
  afterAll(async () => {
    for (const part of [secureBridge, bridge, broker, certificates]) await part?.[Symbol.asyncDispose]()
  })

  function to(carrier: Carrier): MqttOptions {
    const { ca } = certificates
    switch (carrier) {
      case 'TCP':
        return { url: broker.url }
      case 'TLS':
        return { url: broker.tlsUrl, ca }
      case 'WebSocket':
        return { url: `${bridge.url}/mqtt` }
      case 'WebSocket over TLS':
        return { url: `${secureBridge.url}/mqtt`, ca }
    }
  }

  describe.each(CLIENTS)('$client', ({ make }) => {
    describe.each(CARRIERS)('over %s', (carrier) => {
      test('carries frames byte for byte, of every size to the limit', async () => {
        const transport = make(to(carrier))
        const inbox = new Inbox()
        await using receiver = await transport.connect(stub, inbox)
        await using sender = await transport.connect(session, new Inbox())
        const { frameBytes } = transport.limits
        const frames = [
          Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
          Buffer.alloc(0),
          ...[1, 126, 127, 128, 16_383, 16_384, 65_536, frameBytes].map((bytes) => randomBytes(bytes)),
        ]
        for (const frame of frames) await sender.send(stub, frame)
        for (const frame of frames) expect((await inbox.next()).equals(frame)).toBe(true)
        expect(receiver.expiresAt).toBeUndefined()
      })

      test('refuses a frame over the limit before anything is sent', async () => {
        const transport = make({ ...to(carrier), frameBytes: 2_000 })
        const inbox = new Inbox()
        await using connection = await transport.connect(stub, inbox)
        await expect(connection.send(stub, Buffer.alloc(2_001))).rejects.toMatchObject({
          code: 'TOO_LARGE',
          message: expect.stringMatching(/2,001 bytes exceeds 2,000/),
          details: { bytes: 2_001, limit: 2_000 },
        })
        await connection.send(stub, Buffer.from('next'))
        expect(await inbox.text()).toBe('next')
      })

      test('closes in order, even twice, and sends nothing more', async () => {
        const connection = await make(to(carrier)).connect(stub, new Inbox())
        await Promise.all([connection.close(), connection.close()])
        expect(await connection.closed).toBeUndefined()
        await connection.close()
        expect(await failure(connection.send(stub, Buffer.from('late')))).toMatchObject({ code: 'CLOSED' })
      })

      test('resolves `closed` with UNREACHABLE when the broker is killed', async () => {
        await using doomed = await startMosquitto({ tls: certificates })
        await using doomedBridge = await startWsBridge({
          port: doomed.port,
          ...(carrier === 'WebSocket over TLS' && { tls: certificates }),
        })
        const url = { TCP: doomed.url, TLS: doomed.tlsUrl }[carrier as string] ?? `${doomedBridge.url}/mqtt`
        const connection = await make({ ...to(carrier), url }).connect(stub, new Inbox())
        await doomed.kill()
        expect(await connection.closed).toMatchObject({ code: 'UNREACHABLE' })
        expect(await failure(connection.send(stub, Buffer.from('x')))).toMatchObject({ code: 'UNREACHABLE' })
        await connection.close()
        expect(await connection.closed).toMatchObject({ code: 'UNREACHABLE' })
        if (carrier === 'TCP' || carrier === 'TLS') {
          expect(await failure(make({ ...to(carrier), url }).connect(stub, new Inbox()))).toMatchObject({
            code: 'UNREACHABLE',
            details: { code: 'ECONNREFUSED' },
          })
        }
      })
    })

    test('receives every lane without `lane`, and only that lane with it', async () => {
      const transport = make(to('TCP'))
      const [all, third] = [new Inbox(), new Inbox()]
      await using _all = await transport.connect(session, all)
      await using _third = await transport.connect({ ...session, lane: 3 }, third)
      await using sender = await transport.connect(stub, new Inbox())
      for (let lane = 0; lane < LANES; lane++)
        await sender.send({ ...session, lane }, Buffer.from(`lane ${lane}`))
      await sender.send(session, Buffer.from('no lane'))
      for (let lane = 0; lane < LANES; lane++) expect(await all.text()).toBe(`lane ${lane}`)
      expect(await all.text()).toBe('no lane')
      await sender.send({ ...session, lane: 3 }, Buffer.from('end'))
      expect([await third.text(), await third.text()]).toEqual(['lane 3', 'end'])
    })

    test.each([
      ['name', { name: 'other' }],
      ['stage', { stage: 'prod' }],
      ['app', { app: 'shop2' }],
      ['role', { role: 'stub' }],
      ['a name that looks like a wildcard', { name: '+' }],
      ['a name that looks like every topic below', { name: '#' }],
    ] as const)('does not mix up endpoints that differ by %s', async (_what, difference) => {
      const transport = make(to('TCP'))
      const other = { ...session, ...difference }
      const [mine, theirs] = [new Inbox(), new Inbox()]
      await using _mine = await transport.connect(session, mine)
      await using _theirs = await transport.connect(other, theirs)
      await using sender = await transport.connect(stub, new Inbox())
      await sender.send(session, Buffer.from('for mine'))
      await sender.send(other, Buffer.from('for theirs'))
      await sender.send(session, Buffer.from('again for mine'))
      expect([await mine.text(), await mine.text()]).toEqual(['for mine', 'again for mine'])
      expect(await theirs.text()).toBe('for theirs')
    })

    test('lets two connections of one endpoint live side by side', async () => {
      const transport = make(to('TCP'))
      const inboxes = [new Inbox(), new Inbox()]
      await using _first = await transport.connect(session, inboxes[0]!)
      await using second = await transport.connect(session, inboxes[1]!)
      await second.send(session, Buffer.from('both'))
      expect(await Promise.all(inboxes.map((inbox) => inbox.text()))).toEqual(['both', 'both'])
    })

    test('delivers to hostile names', async () => {
      const transport = make(to('TCP'))
      for (const name of ['a/b', '$SYS', '+', '漢'.repeat(33), 'x'.repeat(100), ' ', '\0']) {
        const inbox = new Inbox()
        await using connection = await transport.connect({ ...stub, name }, inbox)
        await connection.send({ ...stub, name }, Buffer.from(name))
        expect(await inbox.text()).toBe(name)
      }
    })

    test('rejects a broker with an untrusted certificate unless `rejectUnauthorized` is false', async () => {
      for (const url of [broker.tlsUrl, `${secureBridge.url}/mqtt`]) {
        expect(await failure(make({ url }).connect(stub, new Inbox()))).toMatchObject({
          code: 'UNREACHABLE',
          message: expect.stringMatching(/certificate/),
        })
        await using _trusted = await make({ url, rejectUnauthorized: false }).connect(stub, new Inbox())
      }
    })

    test('shows its own certificate', async () => {
      await using strict = await startMosquitto({ tls: certificates, requireCertificate: true })
      const { ca, clientCert: cert, clientKey: key } = certificates
      const inbox = new Inbox()
      await using connection = await make({ url: strict.tlsUrl, ca, cert, key }).connect(stub, inbox)
      await connection.send(stub, Buffer.from('known'))
      expect(await inbox.text()).toBe('known')
      expect(await failure(make({ url: strict.tlsUrl, ca }).connect(stub, new Inbox()))).toMatchObject({
        code: 'UNREACHABLE',
      })
    })

    test('sends user name and password, and says so when they are wrong', async () => {
      await using guarded = await startMosquitto({ users: { 'a user@here': 'p/ä+s%s' } })
      const right = { username: 'a user@here', password: 'p/ä+s%s' }
      const inUrl = guarded.url.replace(
        '//',
        `//${encodeURIComponent(right.username)}:${encodeURIComponent(right.password)}@`,
      )
      for (const options of [{ url: guarded.url, ...right }, { url: inUrl }]) {
        const inbox = new Inbox()
        await using connection = await make(options).connect(stub, inbox)
        await connection.send(stub, Buffer.from('in'))
        expect(await inbox.text()).toBe('in')
      }
      for (const wrong of [{ ...right, password: 'secret-word' }, {}]) {
        const error = await failure(make({ url: guarded.url, ...wrong }).connect(stub, new Inbox()))
        expect(error).toMatchObject({ code: 'UNREACHABLE', message: expect.stringMatching(/authori[sz]ed/i) })
        expect(error.message).not.toContain('secret-word')
      }
    })
  })

  test('speaks between both clients and both versions', async () => {
    const inboxes = CLIENTS.map(() => new Inbox())
    const connections = await Promise.all(
      CLIENTS.map(({ make }, index) =>
        make(to('TCP')).connect({ ...stub, name: `client-${index}` }, inboxes[index]!),
      ),
    )
    for (const [from, connection] of connections.entries()) {
      for (const [index, inbox] of inboxes.entries()) {
        await connection.send({ ...stub, name: `client-${index}` }, Buffer.from(`from ${from}`))
        expect(await inbox.text()).toBe(`from ${from}`)
      }
    }
    await Promise.all(connections.map((connection) => connection.close()))
  })

  test('learns from an MQTT 5 broker that frames are too large, before the first frame', async () => {
    await using small = await startMosquitto({ settings: ['max_packet_size 20000'] })
    const five = CLIENTS.find(({ client }) => client.includes('5'))!
    expect(await failure(five.make({ url: small.url }).connect(stub, new Inbox()))).toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(/130048.*20000.*19700/),
    })
    const inbox = new Inbox()
    const transport = five.make({ url: small.url, frameBytes: 19_700 })
    await using connection = await transport.connect(stub, inbox)
    await connection.send(stub, Buffer.alloc(19_700, 7))
    expect(await inbox.next()).toHaveLength(19_700)
  })
})
