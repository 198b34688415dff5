import { expect, it } from 'vitest'
import { lineOf } from '../../src/recorder/disk/format.js'
import { toFixture } from '../../src/recorder/index.js'
import { KnownSecrets } from '../../src/recorder/redact/known-secrets.js'
import { redactRecord } from '../../src/recorder/redact/redact-record.js'
import { keyedMarks, RuleBook } from '../../src/recorder/redact/rules.js'
import { recordOf } from './record-of.js'

const S = 'Zq7-leak-Value_93'
const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U'
const base64 = (text: string) => Buffer.from(text).toString('base64')
const failed = (errorMessage: string, errorType = 'Error') => ({
  outcome: { kind: 'error', error: { errorType, errorMessage, trace: errorMessage.split('\n') } } as const,
})
const logged = (text: string) => ({ logs: [{ stream: 'stdout', text, time: 0, atMs: 0 } as const] })
const key = `-----BEGIN PRIVATE KEY-----\nMIIEvQIBADAN\n${S}\n-----END PRIVATE KEY-----`

/** A record, and a secret in it that its place or its spelling hides. */
const cases: Record<string, [secret: string, ...Parameters<typeof recordOf>]> = {
  'a parameter within the path': [S, { rawPath: `/verify/${S}`, pathParameters: { token: S } }],
  'a parameter in a log': [S, { queryStringParameters: { token: S } }, null, logged(`token given was ${S}`)],
  'a header without its scheme': [
    S,
    { headers: { authorization: `Bearer ${S}` } },
    null,
    logged(`no user ${S}`),
  ],
  'the value of a cookie': [
    S,
    { headers: { cookie: `theme=dark; sid=${S}` } },
    null,
    logged(`session ${S} ended`),
  ],
  'a field that is echoed': [S, { body: JSON.stringify({ password: S }) }, { body: `you typed ${S}` }],
  'a field that is echoed in base64': [
    S,
    { body: base64(`pin=${S}`), isBase64Encoded: true },
    { body: base64(`you typed ${S}`), isBase64Encoded: true },
  ],
  'a field that is echoed in another spelling': [
    'q"u\\o+te/7',
    { token: 'q"u\\o+te/7', path: '/x/q%22u%5Co%2Bte%2F7' },
  ],
  'a key in the lines of a stack': [S, {}, null, failed(`bad key ${key}`)],
  'a key in the lines of a log in JSON': [S, {}, null, logged(JSON.stringify({ stack: key.split('\n') }))],
  "an error's type": [jwt, {}, null, failed('no', jwt)],
  'an encoded name': [S, { body: `user%5Bpassword%5D=${S}&a=1`, rawQueryString: `api%5Fkey=${S}` }],
  'a password that is the user as well': [':app9999@', { url: 'postgres://app9999:app9999@db/x' }],
  'a password with an @': ['ssw0rd77', { url: 'postgres://app:p@ssw0rd77@db/x' }],
  'an element that is named as its value': ['>token</', { xml: '<token>token</token>' }],
  'an element with CDATA': [S, { xml: `<password><![CDATA[${S}]]></password>` }],
  'a variable': [S, { text: `DB_PASS=${S}`, env: { MYSQL_PWD: S } }],
  'the answer of Secrets Manager': [S, {}, { SecretString: S }],
  "an authorizer's source": [S, { type: 'REQUEST', routeArn: 'x', identitySource: [S] }],
  "an authorizer's answer": [S, {}, { principalId: 'x', usageIdentifierKey: S }],
  "Cognito's challenges": [S, { response: { privateChallengeParameters: { answer: S } } }],
  "Cognito's answers": [S, { request: { challengeAnswer: S } }],
  'a name in words': [
    S,
    { otp: S, smtpPass: S, headers: { 'x-origin-verify': S, 'Ocp-Apim-Subscription-Key': S } },
  ],
  'a long name': [S, { [`${'x'.repeat(300)}Password`]: S }],
  'a form of SAML': [S, { body: `SAMLResponse=${S}` }],
  'headers in pairs': [S, { headers: [['x-api-key', S]], rawHeaders: ['Accept', '*/*', 'X-Api-Key', S] }],
  'bytes of a header': ['[90,113', { headers: [{ authorization: [...Buffer.from(S)] }] }],
  'a command line': [S, {}, null, logged(`mysql --password ${S} -h db`)],
}

it.each(Object.entries(cases))('hides %s', (_name, [secret, ...args]) => {
  const record = recordOf(...args)
  const rules = new RuleBook({}).rulesFor(record, keyedMarks(Buffer.alloc(32)))
  const parts = redactRecord(record, rules)
  const { line } = lineOf(record, parts)
  const written = line + JSON.stringify(toFixture(record, { whole: true }))
  const forms = [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    base64(secret).slice(0, -4),
  ]
  expect(forms.filter((form) => written.includes(form))).toEqual([])
  expect(parts.redacted).not.toEqual([])
})

it('hides a variable that JSON spells differently', () => {
  const secret = 'pa"ss\\word\n1'
  const record = recordOf({}, { connection: `as ${secret}` })
  const rules = new RuleBook({}).rulesFor(record, () => '[redacted]')
  const known = new KnownSecrets([secret])
  expect(redactRecord(record, { ...rules, known }).outcome).toMatchObject({
    body: { value: { connection: 'as [redacted]' } },
  })
})

it('keeps values that are not secrets elsewhere', () => {
  const authorizer = { iam: { accountId: '123456789012' }, claims: { iss: 'https://idp.example.com/9' } }
  const event = {
    requestContext: { authorizer },
    arn: 'arn:aws:iam::123456789012:x',
    at: 'https://idp.example.com/9',
  }
  const record = recordOf({ ...event, password: 'required-field', text: 'a required-field' })
  const rules = new RuleBook({}).rulesFor(record, () => '[redacted]')
  expect(redactRecord(record, rules).event.value).toMatchObject({
    arn: event.arn,
    at: event.at,
    text: 'a required-field',
    password: '[redacted]',
  })
})
