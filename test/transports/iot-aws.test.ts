import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { iot } from '../../src/transports/iot.js'
import { failure, Inbox, stub } from './inbox.js'
import { identity, region, startBroker, startGateway } from './iot-gateway.js'

/** AWS's control plane for IoT, as far as DescribeEndpoint goes. */
async function startControlPlane(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    answer(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  vi.stubEnv('AWS_ENDPOINT_URL_IOT', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  return { asked, server }
}

const say = (response: ServerResponse, status: number, body: object) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))

describe('iot() with endpoint, region and credentials from the AWS SDK', () => {
  beforeEach(() => {
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
    vi.stubEnv('AWS_CONFIG_FILE', '/nonexistent/config')
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nonexistent/credentials')
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
    vi.stubEnv('AWS_MAX_ATTEMPTS', '1')
    vi.stubEnv('AWS_REGION', region)
    vi.stubEnv('AWS_ACCESS_KEY_ID', identity.accessKeyId)
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', identity.secretAccessKey)
    vi.stubEnv('AWS_SESSION_TOKEN', identity.sessionToken)
  })
  afterEach(() => vi.unstubAllEnvs())

  test('asks for the endpoint once, and again after a failure; region and credentials come from the environment', async () => {
    const gateway = await startGateway({ port: await startBroker() })
    let broken = true
    const { asked } = await startControlPlane((_request, response) =>
      broken
        ? say(response, 400, { __type: 'InvalidRequestException', message: 'not today' })
        : say(response, 200, { endpointAddress: gateway.url }),
    )
    const transport = iot()
    expect(asked).toEqual([])
    expect(await failure(transport.connect(stub, new Inbox()))).toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(/could not find the endpoint: not today.*Pass 'endpoint'/),
    })
    broken = false
    for (let i = 0; i < 2; i++) {
      const inbox = new Inbox()
      await using connection = await transport.connect(stub, inbox)
      await connection.send(stub, Buffer.from('hello'))
      expect(await inbox.text()).toBe('hello')
    }
    const one = 'GET /endpoint?endpointType=iot%3AData-ATS'
    expect(asked).toEqual([one, one])
    expect(gateway.refusals).toEqual([])
  })

  test('asks once for simultaneous connects', async () => {
    const gateway = await startGateway({ port: await startBroker() })
    const { asked } = await startControlPlane((_request, response) =>
      say(response, 200, { endpointAddress: gateway.url }),
    )
    const transport = iot({ credentials: identity })
    const connections = await Promise.all([1, 2, 3].map(() => transport.connect(stub, new Inbox())))
    await Promise.all(connections.map((connection) => connection.close()))
    expect(asked).toHaveLength(1)
    expect(gateway.asked).toHaveLength(3)
  })

  test('is aborted while AWS is silent', async () => {
    const { server } = await startControlPlane(() => {})
    const aborting = new AbortController()
    const asked = once(server, 'request')
    const failed = failure(iot().connect(stub, new Inbox(), { signal: aborting.signal }))
    await asked
    aborting.abort()
    expect(await failed).toMatchObject({ code: 'ABORTED' })
  })

  test('waits for AWS until the connect time-out at most', async () => {
    const { asked } = await startControlPlane(() => {})
    expect(await failure(iot({ connectTimeoutMs: 200 }).connect(stub, new Inbox()))).toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(/could not find the endpoint/),
    })
    expect(asked).toHaveLength(1)
  })

  test('gives a remedy without credentials and without a region', async () => {
    const gateway = await startGateway({ port: await startBroker() })
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'])
      vi.stubEnv(name, undefined)
    expect(await failure(iot({ endpoint: gateway.url, region }).connect(stub, new Inbox()))).toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(/could not find the credentials.*or log in/),
    })
    vi.stubEnv('AWS_REGION', undefined)
    const regionless = iot({ endpoint: gateway.url, credentials: identity })
    expect(await failure(regionless.connect(stub, new Inbox()))).toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(/could not find the region.*Pass 'region'.*or set AWS_REGION/),
    })
    expect(gateway.asked).toEqual([])
    // Without an endpoint as well, it is still the region that is missing.
    const nothing = iot({ credentials: identity })
    expect(await failure(nothing.connect(stub, new Inbox()))).toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(/could not find the region.*Pass 'region'/),
    })
  })

  test('says that a region may have no AWS IoT when there is no endpoint', async () => {
    const { asked } = await startControlPlane((_request, response) =>
      say(response, 400, { __type: 'InvalidRequestException', message: 'not here' }),
    )
    for (const [where, words] of [
      ['af-south-1', /not here.*In November 2026 AWS IoT Core was not in af-south-1/],
      ['eu-west-1', /not here\. Pass 'endpoint' to iot\(\), or log in\.$/],
    ] as const) {
      const transport = iot({ region: where, credentials: identity })
      expect(await failure(transport.connect(stub, new Inbox()))).toMatchObject({
        code: 'UNREACHABLE',
        message: expect.stringMatching(words),
      })
    }
    // It was asked all the same: AWS adds to its regions.
    expect(asked).toHaveLength(2)
  })

  test('refuses a region other than the endpoint’s', () => {
    const endpoint = 'abc123-ats.iot.us-east-1.amazonaws.com'
    expect(() => iot({ region: 'eu-west-1', endpoint })).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringMatching(/'region' is eu-west-1.*'endpoint' is in us-east-1/),
      }),
    )
    expect(() => iot({ region: 'us-east-1', endpoint })).not.toThrow()
  })

  test('says that the `credentials` function failed', async () => {
    const gateway = await startGateway({ port: await startBroker() })
    const credentials = async () => {
      throw new Error('the vault is sealed')
    }
    expect(
      await failure(iot({ endpoint: gateway.url, region, credentials }).connect(stub, new Inbox())),
    ).toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(/credentials.*the vault is sealed/),
      cause: { message: 'the vault is sealed' },
    })
  })
})
