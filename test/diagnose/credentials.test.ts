import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { DiagnoseOptions } from '../../src/diagnose/index.js'
import { type ControlPlaneCall, createLocalCloud, type LocalCloud } from '../../src/local/index.js'
import { apiGateway } from '../../src/transports/api-gateway.js'
import { type IotOptions, iot } from '../../src/transports/iot.js'
import { freePort } from '../support/free-port.js'
import { startProxy } from '../support/proxy.js'
import { found, place } from './found.js'

let cloud: LocalCloud
const calls: ControlPlaneCall[] = []
let answer: { error: string; message: string } | undefined
beforeAll(async () => {
  cloud = createLocalCloud({
    controlPlane: {
      onCall(call) {
        calls.push(call)
        return answer
      },
    },
    broker: { limits: { connectIntervalMs: 0 } },
  })
  await cloud.open()
})
afterAll(() => cloud.close())
beforeEach(() => {
  calls.length = 0
  answer = undefined
  for (const name of Object.keys(process.env)) if (/_proxy$/i.test(name)) vi.stubEnv(name, undefined)
})
afterEach(() => vi.unstubAllEnvs())

const ARN = 'arn:aws:iam::123456789012:root'

function look(iotOptions: IotOptions = {}, options: Partial<DiagnoseOptions> = {}) {
  const { region, credentials, iotEndpoint: endpoint, stsEndpoint } = cloud
  const transport = iot({ region, credentials, endpoint, ...iotOptions })
  return found({ transport, stsEndpoint, ...options })
}

describe('the credentials that diagnose() checks', () => {
  it('are reported with ARN and account from STS', async () => {
    const { outcomes, seen, diagnosis } = await look()
    expect(outcomes).toMatchObject({ credentials: 'ok', upgrade: 'ok', echo: 'ok' })
    expect(seen.credentials).toMatch(`${ARN}, account 123456789012: AKIA`)
    expect(diagnosis.checks[0]!.details).toMatchObject({ arn: ARN, account: '123456789012' })
    expect(calls).toMatchObject([
      { service: 'sts', operation: 'GetCallerIdentity', changes: false, stage: 'before' },
      { stage: 'after' },
    ])
  })

  it('are also checked for API Gateway', async () => {
    const { region, credentials, stsEndpoint } = cloud
    const { endpoint } = await cloud.debugStack(place)
    const transport = apiGateway({ region, credentials, endpoint })
    const { outcomes, seen } = await found({ transport, stsEndpoint })
    expect(outcomes).toMatchObject({ credentials: 'ok', upgrade: 'ok' })
    expect(seen.credentials).toContain(ARN)
  })

  it("have failed if STS refuses them, with AWS's code", async () => {
    answer = { error: 'ExpiredToken', message: 'The security token included in the request is expired' }
    const { outcomes, seen, advice, diagnosis } = await look()
    expect(outcomes).toMatchObject({ credentials: 'failed', region: 'ok', socket: 'ok', upgrade: 'skipped' })
    expect(seen.credentials).toMatch(/STS refused them: ExpiredToken: The security token.* is expired/)
    expect(advice.credentials).toBe('Log in again.')
    expect(diagnosis.checks[0]!.details).toMatchObject({ awsError: 'ExpiredToken' })
  })

  it.each([
    ['SignatureDoesNotMatch', { secretAccessKey: 'another' }],
    ['InvalidClientTokenId', { accessKeyId: 'AKIA0123456789ABCDEF' }],
  ])('have failed with %s', async (code, wrong) => {
    const credentials = { ...cloud.credentials, ...wrong }
    const { outcomes, seen, diagnosis } = await look({ credentials })
    expect(outcomes.credentials).toBe('failed')
    expect(seen.credentials).toContain(code)
    expect(JSON.stringify(diagnosis)).not.toContain(credentials.secretAccessKey)
  })

  it('pass as unknown if STS is forbidden, unreachable, silent, or another service', async () => {
    answer = { error: 'AccessDenied', message: 'by the policy of an endpoint' }
    const forbidden = await look()
    const closed = await look({}, { stsEndpoint: `http://127.0.0.1:${await freePort()}` })
    const silent = createServer()
    await once(silent.listen(0, '127.0.0.1'), 'listening')
    onTestFinished(() => void silent.close())
    const { port } = silent.address() as AddressInfo
    const late = await look({}, { stsEndpoint: `http://127.0.0.1:${port}`, checkTimeoutMs: 1_000 })
    const none = await look({}, { stsEndpoint: cloud.s3Endpoint })
    for (const { outcomes, seen } of [forbidden, closed, late, none]) {
      expect(outcomes).toMatchObject({ credentials: 'ok', upgrade: 'ok' })
      expect(seen.credentials).toContain('Whose they are is not known')
    }
    expect(forbidden.seen.credentials).toContain('AccessDenied: by the policy of an endpoint')
    expect(closed.seen.credentials).toContain('ECONNREFUSED')
    expect(late.seen.credentials).toContain('no answer within 500 ms')
  })

  it("are not sent to AWS if the endpoint is not AWS's", async () => {
    const { outcomes, seen } = await look({}, { stsEndpoint: undefined })
    expect(outcomes.credentials).toBe('ok')
    expect(seen.credentials).toContain("the endpoint is not AWS's, so STS was not asked")
  })
})

it('diagnose() goes by the proxy that the environment names, to STS as well', async () => {
  await using proxy = await startProxy()
  vi.stubEnv('HTTP_PROXY', `http://${proxy.host}`)
  const at = (url: string) => new URL(url).port
  const broker = `broker.localtest:${at(cloud.iotEndpoint)}`
  const sts = `sts.localtest:${at(cloud.stsEndpoint)}`
  const { outcomes, seen } = await look({ endpoint: `ws://${broker}` }, { stsEndpoint: `http://${sts}` })
  expect(outcomes).toMatchObject({ credentials: 'ok', proxy: 'ok', resolve: 'ok', socket: 'ok', echo: 'ok' })
  expect(seen.credentials).toContain(ARN)
  expect(seen.proxy).toBe(`By the proxy ${proxy.host}, which HTTP_PROXY names.`)
  expect(seen.resolve).toBe(`Left to the proxy ${proxy.host}, which HTTP_PROXY names.`)
  expect(new Set(proxy.asked)).toEqual(new Set([sts, broker]))
})
