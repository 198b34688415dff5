import { isBuiltin } from 'node:module'
import { basename } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { toThrown } from '../../src/core/base/errors.js'
import { isHttpEvent } from '../../src/core/contracts/http-event.js'
import { generateKey } from '../../src/core/wire/root-key.js'
import { readStubKey } from '../../src/core/wire/stub-key.js'
import { callFacts } from '../../src/stub/call-input.js'
import { readStubEnvironment } from '../../src/stub/configuration.js'
import { EnvironmentReader } from '../../src/stub/environment-reader.js'
import { httpResponse } from '../../src/stub/http-response.js'
import { createStub, stubBundle, stubEnvironment, stubKey } from '../../src/stub/index.js'
import { travellingEnvironment } from '../../src/stub/travelling-environment.js'
import { memory } from '../../src/transports/memory.js'
import { ManualClock } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'

const key = generateKey()
const base = {
  app: 'shop',
  stage: 'dev',
  key,
  functionId: 'api',
  endpoint: 'abc-ats.iot.eu-west-1.amazonaws.com',
}

const CA = '-----BEGIN CERTIFICATE-----'
const PRIVATE_KEY = '-----BEGIN EC PRIVATE KEY-----'

describe('stubEnvironment', () => {
  it('has the settings of other brokers, and the stub reads them back', () => {
    const broker = { url: 'mqtts://broker', username: 'ada', password: '', frameBytes: 2_048, ca: CA }
    const { endpoint: _, ...parties } = base
    const options = { ...parties, ...broker, cert: CA, certKey: PRIVATE_KEY }
    const variables = stubEnvironment(options)
    expect(variables).toMatchObject({ LAMBDA_TETHER_USERNAME: 'ada', LAMBDA_TETHER_FRAME_BYTES: '2048' })
    expect(readStubEnvironment(variables)).toMatchObject({ ...broker, cert: CA, certKey: PRIVATE_KEY })
  })

  it.each([
    ['url', { url: 'https://broker' }, /'url' must be a mqtt:\/\/, /],
    ['url', { url: 'mqtt://ada:50%@broker' }, /'url' has a password in which a % begins no/],
    ['password', { url: 'mqtt://broker', password: 'secret-word' }, /'password' needs 'username'/],
    [
      'password',
      { url: 'mqtt://broker', username: 'ada', password: 5 },
      /'password' must be a text, not a number/,
    ],
    ['cert', { url: 'mqtts://broker', cert: CA }, /'cert' and 'key' come together/],
    [
      'ca',
      { url: 'mqtts://broker', ca: '/secret-word/ca.pem' },
      /'ca' must be PEM, with -----BEGIN CERTIFICATE/,
    ],
    ['cert', { url: 'mqtts://broker', cert: PRIVATE_KEY }, /'cert' must be PEM, with -----BEGIN CERTIFICATE/],
    ['certKey', { url: 'mqtts://broker', certKey: CA }, /'certKey' must be PEM, with -----BEGIN PRIVATE KEY/],
    [
      'frameBytes',
      { url: 'mqtt://broker', frameBytes: 1_000 },
      /'frameBytes' must be a whole number from 1,024/,
    ],
    ['endpoint', { endpoint: 'https://a.iot.eu-west-1.amazonaws.com' }, /'endpoint' must be a host such as/],
    [
      'endpoint',
      { endpoint: 'https://a.execute-api.eu-west-1.amazonaws.com/s' },
      /'endpoint' must be a URL with/,
    ],
    ['ca', { endpoint: base.endpoint, ca: 'ca.pem' }, /'ca' must be PEM/],
    ['username', { endpoint: base.endpoint, username: 'ada' }, /'username' goes with 'url'/],
    [
      'frameBytes',
      { endpoint: base.endpoint, frameBytes: 131_073 },
      /'frameBytes' is 131,073, .* 131,072 bytes/,
    ],
  ])('refuses a wrong broker setting before it reaches a function: %s %j', (_name, broker, message) => {
    const { endpoint: _, ...parties } = base
    const make = () => stubEnvironment({ ...parties, ...broker } as never)
    expect(make).toThrow(message)
    expect(make).not.toThrow(/secret-word/)
  })

  it('writes one variable per fact, which the stub reads back', () => {
    const options = {
      ...base,
      session: 'ada',
      ackTimeoutMs: 1_000,
      connectTimeoutMs: 2_000,
      deadlineMarginMs: 300,
      onNobody: 'throw',
      onSessionLost: 'fail',
      mode: 'mirror',
      liveUntil: 1_800_000_000_000,
      mirrorMaxBytes: 50_000,
      execWrapper: '/opt/other',
    } as const
    const variables = stubEnvironment(options)
    expect(variables).toMatchObject({ LAMBDA_TETHER_APP: 'shop', LAMBDA_TETHER_ACK_TIMEOUT_MS: '1000' })
    expect(Object.keys(variables).every((name) => name.startsWith('LAMBDA_TETHER_'))).toBe(true)
    const { app, stage, functionId } = base
    const derived = stubKey({ app, stage, key, functionId })
    expect(readStubEnvironment({ ...variables, OTHER: 'x' })).toEqual({ ...options, key: derived })
  })

  it('has one function’s key, or for * a stage’s, with which a function goes by its name', () => {
    const one = stubEnvironment(base)
    expect(one.LAMBDA_TETHER_KEY).toBe(stubKey({ app: 'shop', stage: 'dev', key, functionId: 'api' }))
    expect(one.LAMBDA_TETHER_FUNCTION).toBe('api')
    const any = stubEnvironment({ ...base, functionId: '*' })
    expect(any.LAMBDA_TETHER_KEY).toBe(stubKey({ app: 'shop', stage: 'dev', key, functionId: '*' }))
    expect(any).not.toHaveProperty('LAMBDA_TETHER_FUNCTION')
    expect(readStubEnvironment(any)).not.toHaveProperty('functionId')
    for (const variables of [one, any]) expect(JSON.stringify(variables)).not.toContain(key)
  })

  it('names a wrong option', () => {
    const wrong = (options: object) => () => stubEnvironment({ ...base, ...options })
    expect(wrong({ app: '' })).toThrow(/'app' must be a text/)
    expect(wrong({ session: 7 })).toThrow(/'session' must be a text/)
    expect(wrong({ key: 'short' })).toThrow(/'key' must be 32 bytes/)
    expect(wrong({ key: stubKey({ app: 'shop', stage: 'dev', key, functionId: 'api' }) })).toThrow(
      /'key' is a stub's key; a session takes/,
    )
    expect(wrong({ functionId: undefined })).toThrow(
      /'functionId' must be what the session knows the function as, or '\*' for a key of all functions, not undefined/,
    )
    expect(wrong({ functionId: '' })).toThrow(/'functionId' must be/)
    expect(wrong({ url: 'mqtt://a' })).toThrow(/either 'url' .* or 'endpoint'/)
    expect(wrong({ endpoint: undefined })).toThrow(/either 'url' .* or 'endpoint'/)
    expect(wrong({ mode: 'replace' })).toThrow(/'mode' must be one of live, mirror/)
    expect(wrong({ liveUntil: '2027-01-01' })).toThrow(/'liveUntil' must be a whole number/)
    expect(wrong({ mirrorMaxBytes: 1.5 })).toThrow(/'mirrorMaxBytes' must be a whole number/)
    expect(wrong({ sesion: 'ada' })).toThrow(/'sesion' is no option of stubEnvironment\(\); those are app/)
    expect(wrong({ ca: `${CA}${'x'.repeat(4_096)}` })).toThrow(/have \d+ bytes; Lambda allows 4096/)
    expect(() => readStubEnvironment({})).toThrow(/LAMBDA_TETHER_APP is missing/)
    const variables = { ...stubEnvironment(base), LAMBDA_TETHER_LIVE_UNTIL: 'tomorrow' }
    expect(() => readStubEnvironment(variables)).toThrow(
      /LAMBDA_TETHER_LIVE_UNTIL must be a number, not 'tomorrow'/,
    )
  })

  it('is read back only with the key of a stub', () => {
    for (const [wrong, problem] of [
      [key, /'LAMBDA_TETHER_KEY' is a session's key, which must not leave the developer's side/],
      ['lts2_short', /'LAMBDA_TETHER_KEY' must be a stub's key.* a text of 10 characters/],
    ] as const) {
      const read = () => readStubEnvironment({ ...stubEnvironment(base), LAMBDA_TETHER_KEY: wrong })
      expect(read).toThrow(problem)
      expect(read).not.toThrow(wrong)
    }
  })
})

describe('stubKey', () => {
  const names = { app: 'shop', stage: 'dev', key, functionId: 'api' }

  it('derives a function’s key: 149 characters, the same for each form of the session’s key', () => {
    expect(stubKey(names)).toMatch(/^lts2_[\w-]{144}$/)
    const bytes = Buffer.from(key, 'base64url')
    for (const form of [key, bytes, bytes.toString('hex')])
      expect(stubKey({ ...names, key: form })).toBe(stubKey(names))
  })

  it('differs by application, stage, function and session’s key, and never holds that one', () => {
    const others = [
      { app: 'other' },
      { stage: 'prod' },
      { functionId: 'other' },
      { functionId: '*' },
      { key: generateKey() },
    ].map((other) => readStubKey('key', stubKey({ ...names, ...other })))
    const own = readStubKey('key', stubKey(names))
    for (const other of others) expect(other.stub).not.toEqual(own.stub)
    expect(own.tag).not.toEqual(Buffer.alloc(8))
    expect(others[3]?.tag).toEqual(Buffer.alloc(8))
    const bytes = Buffer.from(key, 'base64url')
    for (const part of [own.stub, own.presence, own.publicBytes]) expect(part).not.toEqual(bytes)
  })

  it('names a wrong option, and shows no key', () => {
    const wrong = (options: object) => () => stubKey({ ...names, ...options })
    expect(wrong({ app: '' })).toThrow(/'app' must be a text/)
    expect(wrong({ key: 'hunter2' })).toThrow(/'key' must be 32 bytes/)
    expect(wrong({ key: 'hunter2' })).not.toThrow(/hunter2/)
    expect(wrong({ functionId: undefined })).toThrow(
      /'functionId' must be .*, or '\*' for a key of all functions/,
    )
    expect(wrong({ functionID: 'api' })).toThrow(/'functionID' is no option of stubKey\(\)/)
  })
})

const derived = stubKey({ app: 'a', stage: 'b', key, functionId: 'api' })

describe('createStub', () => {
  it('names a wrong option', () => {
    const make = (options: object) => () =>
      createStub({ app: 'a', stage: 'b', key: derived, transport: memory(), ...options })
    expect(make({ session: '' })).toThrow(/'session' must be a text/)
    expect(make({ key: undefined })).toThrow(/'key' must be a stub's key/)
    for (const root of [key, Buffer.from(key, 'base64url')])
      expect(make({ key: root })).toThrow(
        /'key' is a session's key, which must not leave the developer's side: give what stubKey/,
      )
    expect(make({ transport: 'iot' })).toThrow(/'transport' must be a transport/)
    expect(make({ onNobody: 'panic' })).toThrow(/'onNobody' must be one of auto, throw, respond, passthrough/)
    expect(make({ onNobody: 'passthrough' })).toThrow(/'passthrough' must be the original handler/)
    expect(make({ onSessionLost: 'x' })).toThrow(/'onSessionLost' must be one of rerun, fail/)
    for (const name of ['ackTimeoutMs', 'connectTimeoutMs', 'deadlineMarginMs']) {
      expect(make({ [name]: -1 })).toThrow(`'${name}' must be a number of milliseconds from 0, not -1`)
    }
  })
})

describe('an expired stub', () => {
  const liveUntil = 1_800_000_000_000
  const clock = new ManualClock(liveUntil - 1)
  const connected = vi.fn(() => Promise.reject(new Error('no broker')))
  const transport = { ...memory(), connect: connected }
  const options = { app: 'a', stage: 'b', key: derived, transport, liveUntil, clock }

  it('does not connect, and says why', async () => {
    clock.jump(1)
    await expect(createStub(options)({}, stubContext())).rejects.toMatchObject({
      name: 'LambdaTether.NO_SESSION',
      message: expect.stringMatching(/was live until 2027-01-15T08:00:00.000Z, and .* Restore it/),
    })
    const http = { requestContext: { http: { method: 'GET' } } }
    expect(await createStub(options)(http, stubContext())).toMatchObject({ statusCode: 503 })
    const passthrough = async () => 'original'
    expect(await createStub({ ...options, passthrough })({}, stubContext())).toBe('original')
    expect(connected).not.toHaveBeenCalled()
  })
})

describe('a team in the variables', () => {
  const options = { app: 'shop', stage: 'dev', key: generateKey(), functionId: 'api', url: 'mqtt://broker' }

  it('is one list, which a stub reads back in its order', () => {
    const variables = stubEnvironment({ ...options, team: ['alice', 'bob'] })
    expect(variables.LAMBDA_TETHER_SESSION).toBe('alice,bob')
    expect(readStubEnvironment(variables)).toMatchObject({ team: ['alice', 'bob'] })
    expect(readStubEnvironment(variables)).not.toHaveProperty('session')
  })

  it('of one is a session, as usual', () => {
    const variables = stubEnvironment({ ...options, team: ['alice'] })
    expect(variables).toEqual(stubEnvironment({ ...options, session: 'alice' }))
    expect(readStubEnvironment(variables)).toMatchObject({ session: 'alice' })
  })

  it('is given in the place of a session', () => {
    expect(() => stubEnvironment({ ...options, session: 'alice', team: ['alice', 'bob'] })).toThrow(
      "either 'session' or 'team'",
    )
  })
})

describe('stubBundle', () => {
  it.each([
    ['iot', 109_500],
    ['api-gateway', 110_000],
    ['mqtt', 107_500],
  ] as const)('%s is one self-contained CommonJS file', (name, maxBytes) => {
    const { path, bytes } = stubBundle(name)
    const text = Buffer.from(bytes).toString()
    expect(basename(path)).toBe(`stub-${name}.cjs`)
    expect(bytes.length).toBeLessThanOrEqual(maxBytes)
    const required = [...text.matchAll(/\b(?:require|import)\("([^"]+)"\)/g)].map((match) => match[1]!)
    expect(required.length).toBeGreaterThan(0)
    expect(required.filter((name) => !isBuiltin(name))).toEqual([])
    expect(text).not.toContain('@aws-sdk')
  })

  it('has no other', () => {
    expect(() => stubBundle('sqs' as 'iot')).toThrow(/must be one of iot, api-gateway, mqtt, not 'sqs'/)
  })
})

describe('the environment that travels to local code', () => {
  it('has the function’s own variables, its region and its credentials', () => {
    expect(
      travellingEnvironment({
        TABLE: 'orders',
        AWS_REGION: 'eu-west-1',
        AWS_ACCESS_KEY_ID: 'a',
        AWS_SECRET_ACCESS_KEY: 'b',
        AWS_SESSION_TOKEN: 'c',
        AWS_LAMBDA_FUNCTION_NAME: 'f',
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
        EMPTY: '',
      }),
    ).toEqual({
      TABLE: 'orders',
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'a',
      AWS_SECRET_ACCESS_KEY: 'b',
      AWS_SESSION_TOKEN: 'c',
      AWS_LAMBDA_FUNCTION_NAME: 'f',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
      EMPTY: '',
    })
  })

  it('has no variables of the runtime or the stub', () => {
    const names = [
      ...['_HANDLER', '_X_AMZN_TRACE_ID', 'AWS_EXECUTION_ENV', 'AWS_LAMBDA_RUNTIME_API', 'LAMBDA_TASK_ROOT'],
      ...['LAMBDA_RUNTIME_DIR', 'PATH', 'LD_LIBRARY_PATH', 'NODE_PATH', 'PWD', 'SHLVL'],
      ...[
        '_LAMBDA_TELEMETRY_LOG_FD',
        'AWS_LAMBDA_INITIALIZATION_TYPE',
        'LAMBDA_TETHER_KEY',
        'LAMBDA_TETHER_X',
      ],
    ]
    const env = Object.fromEntries(names.map((name) => [name, 'x']))
    expect(travellingEnvironment({ ...env, NODE_EXTRA_CA_CERTS: '/var/runtime/ca-cert.pem' })).toEqual({})
    expect(travellingEnvironment({ NODE_EXTRA_CA_CERTS: '/opt/own.pem' })).not.toEqual({})
  })

  it('has the function’s own time zone and locale, not Lambda’s defaults', () => {
    expect(travellingEnvironment({ LANG: 'en_US.UTF-8', TZ: ':UTC' })).toEqual({})
    const own = { LANG: 'de_DE.UTF-8', TZ: 'Asia/Tokyo' }
    expect(travellingEnvironment(own)).toEqual(own)
  })
})

describe('the variables of the process', () => {
  afterEach(() => {
    vi.unstubAllEnvs()
  })

  it('are read once a second, and are the same object until then', async () => {
    const clock = new ManualClock()
    vi.stubEnv('TABLE', 'old')
    const reader = new EnvironmentReader(process.env, clock)
    const first = reader.read()
    vi.stubEnv('TABLE', 'new')
    await clock.advance(999)
    expect(reader.read()).toBe(first)
    expect(first.TABLE).toBe('old')
    await clock.advance(1)
    expect(reader.read().TABLE).toBe('new')
  })

  it('are read at once when the session token is another, or the clock was set back', () => {
    const clock = new ManualClock()
    const reader = new EnvironmentReader(process.env, clock)
    reader.read()
    vi.stubEnv('AWS_SESSION_TOKEN', 'rotated')
    expect(reader.read().AWS_SESSION_TOKEN).toBe('rotated')
    vi.stubEnv('TABLE', 'new')
    clock.jump(-3_600_000)
    expect(reader.read().TABLE).toBe('new')
  })

  it('are not used with a custom object, which is read each time', () => {
    const own: Record<string, string> = { TABLE: 'old' }
    const reader = new EnvironmentReader(own, new ManualClock())
    reader.read()
    own.TABLE = 'new'
    expect(reader.read()).toEqual({ TABLE: 'new' })
  })

  it('bring each invocation’s own trace id', () => {
    const reader = new EnvironmentReader(process.env, new ManualClock())
    for (const id of ['Root=1', 'Root=2']) {
      vi.stubEnv('_X_AMZN_TRACE_ID', id)
      expect(callFacts(stubContext(), reader).context.traceId).toBe(id)
    }
  })
})

describe('HTTP events', () => {
  it.each([
    ['API Gateway v2 and function URLs', { requestContext: { http: { method: 'GET' } } }, true],
    ['API Gateway v1', { httpMethod: 'GET', requestContext: {} }, true],
    ['an ALB', { requestContext: { elb: {} }, httpMethod: 'GET' }, true],
    ['VPC Lattice v1', { raw_path: '/a', method: 'GET', headers: {} }, true],
    [
      'VPC Lattice v2',
      { version: '2.0', path: '/a', method: 'GET', requestContext: { serviceNetworkArn: 'arn' } },
      true,
    ],
    ['an event that names a method', { method: 'GET', requestContext: {} }, false],
    ['SQS', { Records: [{ eventSource: 'aws:sqs' }] }, false],
    ['nothing', null, false],
    ['a text', 'GET', false],
  ])('are distinguished from others: %s', (_, event, expected) => {
    expect(isHttpEvent(event)).toBe(expected)
  })

  it('of an ALB with multi-value headers are answered with such headers alone', () => {
    const alb = { requestContext: { elb: {} }, httpMethod: 'GET', multiValueHeaders: { accept: ['a', 'b'] } }
    expect(httpResponse(alb, 503, {})).toEqual({
      statusCode: 503,
      multiValueHeaders: { 'content-type': ['application/json'], 'cache-control': ['no-store'] },
      body: '{}',
      isBase64Encoded: false,
    })
    const rest = { requestContext: {}, httpMethod: 'GET', multiValueHeaders: {}, headers: {} }
    expect(httpResponse(rest, 503, {})).toHaveProperty('headers')
    expect(httpResponse(rest, 503, {})).not.toHaveProperty('multiValueHeaders')
  })
})

describe('an error of local code', () => {
  it('is thrown again as it was', () => {
    const error = toThrown({
      errorType: 'OrderError',
      errorMessage: 'no such order',
      trace: ['OrderError: no such order', '    at handler (api.ts:3:9)'],
      cause: { errorType: 'string', errorMessage: 'why', trace: [] },
    }) as Error
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({ name: 'OrderError', message: 'no such order', cause: 'why' })
    expect(error.stack).toBe('OrderError: no such order\n    at handler (api.ts:3:9)')
    for (const value of ['text', 42, true, undefined]) {
      expect(toThrown({ errorType: typeof value, errorMessage: String(value), trace: [] })).toBe(value)
    }
    for (const odd of ['NaN', 'Infinity']) {
      expect(String(toThrown({ errorType: 'number', errorMessage: odd, trace: [] }))).toContain(odd)
    }
  })
})
