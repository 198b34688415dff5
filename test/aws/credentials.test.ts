import { describe, expect, test } from 'vitest'
import { askCredentials, readCredentials, roleCredentials } from '../../src/aws/credentials.js'

const identity = { accessKeyId: 'AKIAONE', secretAccessKey: 'one/secret', sessionToken: 'token' }
const END = Date.UTC(2026, 10, 21, 12, 30)

const named = (name: string) =>
  expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(`'${name}' must be`) })

describe('credentials', () => {
  test.each([
    ['a Date', new Date(END)],
    ['a Date of another realm', { getTime: () => END }],
    ['a text', '2026-11-21T12:30:00Z'],
    ['a text with milliseconds', '2026-11-21T12:30:00.000Z'],
    ['a text with an offset, as the AWS CLI prints it', '2026-11-21T13:30:00+01:00'],
    ['milliseconds', END],
    ['seconds', END / 1000],
    ['seconds with a fraction, as AWS’s services give them', END / 1000 + 0.0004],
  ])('end at %s', (_what, expiration) => {
    const read = readCredentials('credentials', { ...identity, expiration })
    expect(read).toEqual({ ...identity, expiration: new Date(END) })
    expect(read.expiration).toBeInstanceOf(Date)
  })

  test('need no expiration, and keep extra fields', () => {
    const given = { ...identity, accountId: '123456789012' }
    expect(readCredentials('credentials', given)).toEqual(given)
  })

  test.each([
    ['expiration', 'tomorrow'],
    ['expiration', '2026-11-21'],
    ['expiration', '2026-11-21T12:30:00'],
    ['expiration', ''],
    ['expiration', new Date('nonsense')],
    ['expiration', Number.NaN],
    ['expiration', Number.POSITIVE_INFINITY],
    ['expiration', null],
    ['expiration', {}],
    ['expiration', true],
    ['accessKeyId', undefined],
    ['accessKeyId', ''],
    ['secretAccessKey', undefined],
    ['secretAccessKey', 5],
    ['sessionToken', ''],
    ['sessionToken', null],
  ])('with %s as %j are refused by name', (field, value) => {
    const wrong = { ...identity, [field]: value }
    expect(() => readCredentials('credentials', wrong)).toThrow(named(`credentials.${field}`))
  })

  test.each([null, 'AKIA', [identity]])('that are %j are refused', (value) => {
    expect(() => readCredentials('credentials', value)).toThrow(named('credentials'))
  })

  test('are refused without revealing the secret', () => {
    const wrong = { accessKeyId: 'AKIA', secretAccessKey: ['very secret'] }
    expect(() => readCredentials('credentials', wrong)).toThrow(
      "'credentials.secretAccessKey' must be a text that is not empty, not a list.",
    )
  })

  test('are read when they are asked for', async () => {
    const text = { ...identity, expiration: '2026-11-21T12:30:00Z' }
    const read = { ...identity, expiration: new Date(END) }
    expect(await askCredentials(text)).toEqual(read)
    expect(await askCredentials(() => text)).toEqual(read)
    expect(await askCredentials(async () => text)).toEqual(read)
    await expect(askCredentials(() => undefined as never)).rejects.toEqual(named('credentials'))
  })

  test('report the failure of their function', async () => {
    const cause = new Error('the vault is sealed')
    const failing = async () => {
      throw cause
    }
    await expect(askCredentials(failing)).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: "'credentials' failed: the vault is sealed",
      cause,
    })
  })
})

describe('a role’s credentials', () => {
  const env = { AWS_ACCESS_KEY_ID: 'ASIAROLE', AWS_SECRET_ACCESS_KEY: 'secret', AWS_SESSION_TOKEN: 'token' }

  test('come from the environment', () => {
    const identity = { accessKeyId: 'ASIAROLE', secretAccessKey: 'secret', sessionToken: 'token' }
    expect(roleCredentials(env)).toEqual(identity)
    expect(roleCredentials({ ...env, AWS_SESSION_TOKEN: '' })).not.toHaveProperty('sessionToken')
  })

  test.each(['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])('need %s', (name) => {
    for (const value of [undefined, '']) {
      expect(() => roleCredentials({ ...env, [name]: value })).toThrow(named(name))
    }
  })
})
