import { describe, expect, test } from 'vitest'
import { apiGateway } from '../../src/transports/api-gateway.js'
import { iotLight } from '../../src/transports/iot/light.js'
import { iot } from '../../src/transports/iot.js'
import { mqttSettings } from '../../src/transports/mqtt/options.js'
import { type MqttOptions, mqtt } from '../../src/transports/mqtt.js'
import { CLIENTS } from './clients.js'

const url = 'mqtt://localhost'

describe.each(CLIENTS)('$client', ({ make }) => {
  test.each([
    ['url', undefined],
    ['url', 'localhost:1883'],
    ['url', 'http://localhost'],
    ['url', 'mqtt://'],
    ['url', 'mqtt://user:secret-word@:1883'],
    ['cert', 'a certificate without its key'],
    ['key', 'a key without its certificate'],
  ])('refuses %s: %o by name at construction', (name, value) => {
    const options = { url, [name]: value } as MqttOptions
    expect(() => make(options)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(`'${name}'`) }),
    )
    expect(() => make(options)).not.toThrow(/secret-word/)
  })

  test('refuses a password without a user name', () => {
    expect(() => make({ url, password: 'secret-word' })).toThrow(/'password' needs 'username'/)
    expect(() => make({ url: 'mqtt://:secret-word@localhost' })).toThrow(/'password' needs 'username'/)
  })

  test('has 127 KiB frames unless told otherwise', () => {
    expect(make({ url }).limits).toEqual({ frameBytes: 130_048 })
    expect(make({ url, frameBytes: 262_144 }).limits).toEqual({ frameBytes: 262_144 })
  })

  test('checks the endpoint, by name', async () => {
    const handlers = { onFrame() {} }
    for (const part of ['app', 'stage', 'name']) {
      const self = { app: 'a', stage: 's', role: 'stub' as const, name: 'n', [part]: 'x'.repeat(101) }
      await expect(make({ url }).connect(self, handlers)).rejects.toMatchObject({
        code: 'INVALID_OPTION',
        message: expect.stringContaining(`'${part}'`),
      })
    }
  })
})

test.each([
  ['username', 1],
  ['password', Buffer.from('x')],
  ['ca', {}],
  ['rejectUnauthorized', 'false'],
  ['frameBytes', 1_023],
  ['frameBytes', 1_024.5],
  ['frameBytes', '131072'],
  ['frameBytes', Number.POSITIVE_INFINITY],
  ['keepAliveSeconds', 0],
  ['keepAliveSeconds', 65_536],
  ['connectTimeoutMs', 0],
  ['connectTimeoutMs', -1],
  ['connectTimeoutMs', Number.NaN],
])('mqtt() refuses %s: %o by name', (name, value) => {
  expect(() => mqtt({ url, [name]: value } as MqttOptions)).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(`'${name}'`) }),
  )
})

test.each(['ca', 'cert', 'key'])('the session takes PEM for %s, and no path', (name) => {
  const path = '/secret-word/file.pem'
  expect(() => mqtt({ url, [name]: path })).toThrow(new RegExp(`'${name}' must be PEM, .* not its path`))
  expect(() => mqtt({ url, [name]: path })).not.toThrow(/secret-word/)
  if (name !== 'ca') return
  const endpoint = 'wss://a.execute-api.eu-west-1.amazonaws.com/s'
  for (const make of [() => iot({ ca: path }), () => apiGateway({ endpoint, ca: path })])
    expect(make).toThrow(/'ca' must be PEM/)
})

test('mqtt() never shows a password of any type', () => {
  expect(() => mqtt({ url, username: 'u', password: 123456 as never })).toThrow(
    /'password' must be a text, not a number\./,
  )
})

test('mqtt() refuses a protocol version that is neither 4 nor 5', () => {
  expect(() => mqtt({ url, protocolVersion: 3 as 4 })).toThrow(/'protocolVersion'/)
})

describe('a URL', () => {
  test.each([
    ['mqtt://broker', 'broker', 1883],
    ['mqtts://broker', 'broker', 8883],
    ['ws://broker/mqtt', 'broker', 80],
    ['wss://broker/mqtt', 'broker', 443],
    ['mqtts://broker:9000', 'broker', 9000],
    ['mqtt://[::1]:2000', '::1', 2000],
  ])('%s means %s port %i', (text, host, port) => {
    expect(mqttSettings({ url: text }).target).toMatchObject({ host, port })
  })

  test('may carry user and password, which become options and appear in no message', () => {
    const { target } = mqttSettings({ url: 'wss://a%40b:c%2Fd@broker/mqtt?x=y' })
    expect(target).toMatchObject({
      username: 'a@b',
      password: 'c/d',
      url: 'wss://broker/mqtt?x=y',
      label: 'wss://broker:443',
    })
  })
})

const endpoint = 'abc-ats.iot.eu-west-1.amazonaws.com'
const credentials = { accessKeyId: 'AKIA', secretAccessKey: 'secret-word' }

describe.each([
  ['iot', (options: object) => iot({ endpoint, region: 'eu-west-1', credentials, ...options })],
  [
    'iotLight',
    (options: object) =>
      iotLight({ endpoint, region: 'eu-west-1', credentials: () => credentials, ...options }),
  ],
])('%s', (_name, make) => {
  test.each([
    ['endpoint', 'https://abc-ats.iot.eu-west-1.amazonaws.com'],
    ['endpoint', ''],
    ['endpoint', 'two words'],
    ['endpoint', 'eu-west-1'],
  ])('refuses %s: %o by name at construction', (name, value) => {
    expect(() => make({ [name]: value })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(`'${name}'`) }),
    )
  })

  test('has the limits and prices of AWS IoT', () => {
    const { name, limits, pricing } = make({})
    expect(name).toBe('iot')
    expect(limits).toEqual({
      frameBytes: 131_072,
      rate: { frames: 100, bytes: 524_288, counts: 'sent+received' },
    })
    expect(pricing).toMatchObject({
      unitBytes: 5_120,
      usdPerMillionUnits: 1,
      usdPerMillionMinutes: 0.08,
      unitsPerConnection: 2,
    })
    expect(pricing?.addressBytes?.({ app: 'shop', stage: 'dev', role: 'stub', name: 'a' })).toBe(
      'lambda-tether/shop/dev/stub/a'.length,
    )
  })
})

describe('iot', () => {
  test.each([
    ['region', 'everywhere'],
    ['region', ''],
    ['frameBytes', 131_073],
    ['frameBytes', 100],
    ['keepAliveSeconds', 29],
    ['keepAliveSeconds', 1_201],
    ['connectTimeoutMs', 0],
    ['credentials', 'AKIA'],
    ['credentials', null],
  ])('refuses %s: %o by name at construction', (name, value) => {
    expect(() => iot({ [name]: value })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(`'${name}'`) }),
    )
  })

  test('names a missing field of credentials', () => {
    expect(() => iot({ credentials: { accessKeyId: 'AKIA' } as never })).toThrow(
      /'credentials.secretAccessKey' must be/,
    )
    expect(() => iot({ credentials: { accessKeyId: '', secretAccessKey: 'x' } })).toThrow(
      /'credentials.accessKeyId' must be/,
    )
  })
})
