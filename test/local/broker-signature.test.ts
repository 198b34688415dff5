import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import type { LocalIdentity } from '../../src/local/index.js'
import { aws4 } from '../support/signers.js'
import { event, openBroker } from './local-broker-fixture.js'
import { RawMqttClient } from './raw-mqtt-client.js'
import { type SigningOptions, signedUrl } from './signed-url.js'

const lasting: LocalIdentity = { accessKeyId: 'AKIALASTING', secretAccessKey: 'secret/+one' }
const temporary: LocalIdentity = {
  accessKeyId: 'ASIATEMPORARY',
  secretAccessKey: 'secret/+two',
  sessionToken: 'token/with+special=characters==',
}
const identities = [lasting, temporary]

/** The HTTP answer to an upgrade that is refused. */
async function refusal(url: string, protocol = 'mqtt'): Promise<IncomingMessage> {
  const webSocket = new WebSocket(url, protocol)
  webSocket.on('error', () => undefined)
  const [, response] = (await once(webSocket, 'unexpected-response')) as [unknown, IncomingMessage]
  webSocket.terminate()
  return response
}

describe('a WebSocket URL signed by AWS’s own library', () => {
  it.each([
    ['lasting credentials', lasting],
    ['temporary credentials', temporary],
  ])('is accepted for %s', async (_name, identity) => {
    const { broker, clock } = await openBroker({ identities, region: 'eu-west-1' })
    const url = await signedUrl(broker.webSocketUrl, { identity, region: 'eu-west-1', now: clock.now() })
    await (await RawMqttClient.connect(url)).ping()
  })

  it.each([
    ['a wrong secret', { identity: { ...lasting, secretAccessKey: 'other' } }, /signature does not fit/],
    ['an unknown key', { identity: { ...lasting, accessKeyId: 'AKIAOTHER' } }, /access key is unknown/],
    ['another region', { region: 'us-east-2' }, /scope is '20261121\/us-east-2\/iotdevicegateway/],
    ['another service', { service: 'iotdata' }, /scope is/],
    ['no session token', { identity: { ...temporary, sessionToken: '' } }, /X-Amz-Security-Token/],
    ['another session token', { identity: { ...temporary, sessionToken: 'x' } }, /X-Amz-Security-Token/],
    ['a session token signed along', { identity: temporary, tokenInside: true }, /signature does not fit/],
    ['a path that is not /mqtt', { path: '/other' }, /path is '\/other'/],
  ] as [string, Partial<SigningOptions>, RegExp][])('is refused with %s', async (_name, options, detail) => {
    const { broker, clock } = await openBroker({ identities })
    const refuse = event(broker, 'refuse')
    const url = await signedUrl(broker.webSocketUrl, { identity: lasting, now: clock.now(), ...options })
    const response = await refusal(url)
    expect(response.statusCode).toBe(options.path ? 404 : 403)
    expect(response.headers.date).toBe(new Date(clock.now()).toUTCString())
    expect((await refuse).detail).toMatch(detail)
  })

  it('holds for as long as it says, and says the time when it does not', async () => {
    const { broker, clock } = await openBroker({ identities })
    const url = await signedUrl(broker.webSocketUrl, { identity: lasting, now: clock.now(), expiresIn: 60 })
    clock.advance(60_000)
    await RawMqttClient.connect(url)
    clock.advance(1)
    const refuse = event(broker, 'refuse')
    expect((await refusal(url)).statusCode).toBe(403)
    expect((await refuse).detail).toBe('the signature is 60001 ms old; it holds for 60000')
  })

  it('may come from a clock five minutes ahead, and no more', async () => {
    const { broker, clock } = await openBroker({ identities })
    const at = (now: number) => signedUrl(broker.webSocketUrl, { identity: lasting, now })
    await RawMqttClient.connect(await at(clock.now() + 300_000))
    const response = await refusal(await at(clock.now() + 301_000))
    expect(Date.parse(response.headers.date ?? '')).toBe(clock.now())
  })

  it('cannot be altered', async () => {
    const { broker, clock } = await openBroker({ identities })
    const url = await signedUrl(broker.webSocketUrl, { identity: lasting, now: clock.now() })
    for (const altered of [
      `${url}&more=1`,
      `${url}&X-Amz-Expires=604800`,
      `${url}&${/X-Amz-Signature=[0-9a-f]+/.exec(url)?.[0]}`,
      `${url}&%ff=1`,
      url.replace(/X-Amz-Signature=./, (text) => text.slice(0, -1)),
      url.replace(/X-Amz-Signature=[0-9a-f]+/, 'X-Amz-Signature='),
      url.replace('X-Amz-SignedHeaders=host', 'X-Amz-SignedHeaders='),
      url.replace('AWS4-HMAC-SHA256', 'none'),
      `${broker.webSocketUrl}/mqtt`,
    ]) {
      expect((await refusal(altered)).statusCode, altered).toBe(403)
    }
  })
})

describe('a WebSocket URL signed by aws4', () => {
  it.each(identities)('is accepted of $accessKeyId', async (identity) => {
    const { broker, clock } = await openBroker({ identities })
    const url = await signedUrl(broker.webSocketUrl, { identity, now: clock.now(), signer: aws4 })
    await (await RawMqttClient.connect(url)).ping()
  })
})

describe('an upgrade', () => {
  it('needs no signature where no identities are given', async () => {
    const { broker } = await openBroker()
    await (await RawMqttClient.connect(`${broker.webSocketUrl}/mqtt`)).ping()
  })

  it('never succeeds where the list of identities is empty', async () => {
    const { broker, clock } = await openBroker({ identities: [] })
    const url = await signedUrl(broker.webSocketUrl, { identity: lasting, now: clock.now() })
    expect((await refusal(url)).statusCode).toBe(403)
  })

  it('must offer the subprotocol mqtt', async () => {
    const { broker } = await openBroker()
    expect((await refusal(`${broker.webSocketUrl}/mqtt`, 'mqttv3.1')).statusCode).toBe(400)
  })
})
