import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { KnownSecrets } from '../../src/recorder/redact/known-secrets.js'
import { Redaction, type RedactionRules } from '../../src/recorder/redact/redaction.js'
import { numberedMarks } from '../../src/recorder/redact/rules.js'
import { SecretNames, type SecretNamesOptions } from '../../src/recorder/redact/secret-names.js'
import { named, planted } from './secrets.js'

function rules(options: SecretNamesOptions & Partial<RedactionRules> = {}): RedactionRules {
  const { keys, allow, ...others } = options
  return {
    names: new SecretNames({ keys, allow, strict: others.strict ?? false }),
    shapes: [],
    mark: numberedMarks(),
    strict: false,
    known: new KnownSecrets(),
    ...others,
  }
}

function redact(value: unknown, options: Parameters<typeof rules>[0] = {}) {
  const redaction = new Redaction(rules(options))
  // With its JSON, as bodies are redacted.
  return { value: redaction.value(value, JSON.stringify(value)), pointers: redaction.pointers }
}

const base64 = (text: string) => Buffer.from(text).toString('base64')

describe('a secret', () => {
  it.each(planted)('is redacted in a text: $name', ({ secret, text }) => {
    const { value, pointers } = redact({ message: text })
    expect(JSON.stringify(value)).not.toContain(JSON.stringify(secret).slice(1, -1))
    expect(decodeURIComponent((value as { message: string }).message)).toMatch(/\[redacted:\d\]/)
    expect(pointers).toEqual(['/message'])
  })

  it.each(planted)('is redacted in JSON, base64 and gzip in a text: $name', ({ secret, text }) => {
    const inner = JSON.stringify({ deep: [{ text }] })
    const event = {
      Records: [
        { body: inner },
        { body: JSON.stringify({ Message: inner }) },
        { kinesis: { data: base64(inner) } },
        { data: gzipSync(inner).toString('base64') },
        { body: base64(text), isBase64Encoded: true },
      ],
    }
    const { value, pointers } = redact(event)
    const { Records: records } = value as {
      Records: { body?: string; data?: string; kinesis?: { data: string } }[]
    }
    const texts = [
      records[0]!.body!,
      records[1]!.body!,
      Buffer.from(records[2]!.kinesis!.data, 'base64').toString(),
      gunzipSync(Buffer.from(records[3]!.data!, 'base64')).toString(),
      Buffer.from(records[4]!.body!, 'base64').toString(),
    ]
    for (const [index, each] of texts.entries()) {
      expect(each, `${index}`).not.toContain(secret)
      expect(each.replaceAll('\\', ''), `${index}`).not.toContain(secret)
      expect(each.replaceAll('%5B', '['), `${index}`).toMatch(/\[redacted(?::|%3A)\d/)
    }
    expect(pointers).toEqual([
      '/Records/0/body',
      '/Records/1/body',
      '/Records/2/kinesis/data',
      '/Records/3/data',
      '/Records/4/body',
    ])
  })

  it.each(Object.entries(named))('is recognized by the name %s', (name, secret) => {
    const { value, pointers } = redact({ headers: { [name]: secret }, lists: { [name]: [secret, secret] } })
    expect(JSON.stringify(value)).not.toContain(secret)
    expect(pointers).toEqual([`/headers/${name}`, `/lists/${name}/0`, `/lists/${name}/1`])
  })

  it.each([
    ['numbers', { pin: 1234 }, { pin: '[redacted:1]' }],
    [
      'claims',
      { authorizer: { jwt: { claims: { sub: 'jo' } } } },
      { authorizer: { jwt: { claims: { sub: '[redacted:1]' } } } },
    ],
    ['pairs', [{ name: 'Cookie', value: 'a=b' }], [{ name: 'Cookie', value: '[redacted:1]' }]],
    ['cookies', { cookies: ['a=b'] }, { cookies: ['[redacted:1]'] }],
    [
      'query',
      { queryStringParameters: { sig: 'abc', code: 'x' } },
      { queryStringParameters: { sig: '[redacted:1]', code: '[redacted:2]' } },
    ],
    ['keys of objects', { AKIAIOSFODNN7EXAMPLE: 1 }, { '[redacted:1]': 1 }],
    [
      'the secret beside an access key id',
      { a: 'AKIAIOSFODNN7EXAMPLE', b: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' },
      { a: '[redacted:1]', b: '[redacted:2]' },
    ],
  ])('is found among %s', (_, value, expected) => {
    expect(redact(value).value).toEqual(expected)
  })

  it('has the same mark when it appears again', () => {
    expect(redact({ token: 'same', list: [{ password: 'same' }, { password: 'other' }] }).value).toEqual({
      token: '[redacted:1]',
      list: [{ password: '[redacted:1]' }, { password: '[redacted:2]' }],
    })
  })

  it('is redacted again if it is a known value', () => {
    expect(
      redact({ out: 'it is correct-horse, yes' }, { known: new KnownSecrets(['correct-horse']) }).value,
    ).toEqual({
      out: 'it is [redacted:1], yes',
    })
  })
})

describe('a value without secrets', () => {
  it.each([
    { nextToken: 'page-2', maxTokens: 5, count: 1 },
    { headers: { 'x-hub-signature-256': 'sha256=abc', 'content-type': 'application/json' } },
    { token: null, password: '', hasSecret: true },
    { body: '{"a": 1.0, "big": 12345678901234567890}' },
    { text: 'Basic rules: a bearer of news; tokens: none. https://example.com/a?b=c&d=%20e' },
    {
      rawPath: '/orders/42',
      requestContext: { requestId: 'c6af9ac6-7b61-11e6-9a41-93e8deadbeef', timeEpoch: 1 },
    },
    { data: base64('{"order":1}') },
    [1, 'a', null, true, [], {}],
  ])('stays the same object: %j', (value) => {
    const { value: result, pointers } = redact(value)
    expect(result).toBe(value)
    expect(pointers).toEqual([])
  })
})

describe('a rule of the user’s', () => {
  it('adds names, in any spelling, and patterns', () => {
    expect(
      redact({ iban: 'DE1', 'I-BAN': 'DE2', tenant_x: 'DE3' }, { keys: ['iban', /^tenant_/] }).value,
    ).toEqual({
      iban: '[redacted:1]',
      'I-BAN': '[redacted:2]',
      tenant_x: '[redacted:3]',
    })
    expect(redact({ text: 'order ord_9 of jo' }, { shapes: [/ord_\d/g] }).value).toEqual({
      text: 'order [redacted:1] of jo',
    })
    expect(redact({ text: 'order ord_9 of jo' }, { shapes: [/order (?<secret>\w+)/dg] }).value).toEqual({
      text: 'order [redacted:1] of jo',
    })
  })

  it('keeps an allowed value, even a secret', () => {
    const value = { authorizer: { claims: { sub: 'jo', email: 'j@o' } }, authorization: planted[0]!.secret }
    expect(redact(value, { allow: ['sub', 'Authorization'] }).value).toEqual({
      authorizer: { claims: { sub: 'jo', email: '[redacted:1]' } },
      authorization: planted[0]!.secret,
    })
  })
})

describe('the stricter rules of fixtures', () => {
  const random = 'q7Zp2LxV9sK4mT8wR3nB6yH1cF5gJ0dA'

  it('treat random text as a secret, but not ids and signatures', () => {
    expect(
      redact(
        {
          cursor: random,
          note: `use ${random} today`,
          requestId: 'c6af9ac6-7b61-11e6-9a41-93e8deadbeef',
          'x-signature': random,
          path: 'src/functions/orders/create-order-handler-2',
          sessionState: 'abc',
        },
        { strict: true },
      ).value,
    ).toEqual({
      cursor: '[redacted:1]',
      note: 'use [redacted:1] today',
      requestId: 'c6af9ac6-7b61-11e6-9a41-93e8deadbeef',
      'x-signature': random,
      path: 'src/functions/orders/create-order-handler-2',
      sessionState: '[redacted:2]',
    })
  })

  it('renumber marks from disk', () => {
    expect(
      redact(
        { token: '[redacted:sha256:0a1b2c3d]', text: 'a [redacted:sha256:0a1b2c3d] b' },
        { strict: true },
      ).value,
    ).toEqual({
      token: '[redacted:1]',
      text: 'a [redacted:1] b',
    })
  })
})

it('takes time in proportion to the text', () => {
  // Each would take minutes where a pattern goes back and forth.
  for (const unit of [
    'a',
    'a.',
    '-----BEGIN ',
    'eyJ',
    '<a ',
    'name="a"\r\n',
    'password',
    '="',
    '\\"',
    '%2',
    '://',
    'Bearer ',
    '[',
    'AKIA',
  ])
    redact({ text: unit.repeat(Math.ceil(100_000 / unit.length)) })
})

it.each([
  ['lists', '[', '', ']'],
  ['objects', '{"a":', '1', '}'],
  ['what a name says is secret', '{"password":', '1', '}'],
])('redacts text that is nested too deeply as a whole: %s', (_name, open, inner, close) => {
  const text = open.repeat(50_000) + inner + close.repeat(50_000)
  for (const knownOnly of [false, true]) {
    const redaction = new Redaction(rules({ knownOnly }))
    const result = redaction.text(text, 'event', 'body')
    expect(result).toMatch(/\[redacted:\d+\]/)
    expect(result.length).toBeLessThan(5_000)
    expect(redaction.pointers).toEqual(['/event/body'])
  }
})
