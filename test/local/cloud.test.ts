import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import {
  createLocalCloud,
  type LocalCloud,
  type LocalCloudOptions,
  type LocalCredentials,
} from '../../src/local/index.js'
import { s3 } from '../../src/stores/s3.js'
import { alive, event, folder, json } from './lambda-fixture.js'
import { signedUrl } from './signed-url.js'

async function cloud(options: LocalCloudOptions = {}): Promise<LocalCloud> {
  const made = createLocalCloud(options)
  onTestFinished(() => made.close())
  await made.open()
  return made
}

// What an application does: HTTP in, a topic out, and a function behind the topic.
const API = `exports.handler = async (e) => {
  const body = new URLSearchParams({ Action: 'Publish', TopicArn: process.env.TOPIC, Message: e.rawPath })
  const response = await fetch(process.env.AWS_ENDPOINT_URL_SNS, { method: 'POST', body })
  return { statusCode: response.status, body: await response.text() }
}`
const SUBSCRIBER = `exports.handler = async (e) => ({ message: e.Records[0].Sns.Message, env: process.env })`

describe('a local cloud', () => {
  test('leads from HTTP through Lambda and a topic to Lambda', async () => {
    const local = await cloud({ region: 'eu-west-1' })
    const topic = local.topic('news')
    expect(local.topic('news')).toBe(topic)
    const bundle = await folder({ 'api.cjs': API, 'sns.cjs': SUBSCRIBER })
    const api = local.function({
      name: 'api',
      bundle,
      handler: 'api.handler',
      environment: { TOPIC: topic.arn },
    })
    const sns = local.function({ name: 'sns', bundle, handler: 'sns.handler' })
    topic.subscribe(sns)
    const { url } = await local.httpApi(api)
    const report = event(local.lambda, 'invocation', ({ functionName }) => functionName === 'sns')
    const response = await fetch(`${url}/hello`)
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('<MessageId>')])
    const { message, env } = json(await report)
    expect(message).toBe('/hello')
    expect(env).toMatchObject({
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: local.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: local.credentials.secretAccessKey,
      AWS_ENDPOINT_URL_SNS: local.snsEndpoint,
    })
  })

  test('has a broker that takes its credentials and no others', async () => {
    const local = await cloud()
    expect(local.mqttUrl).toMatch(/^mqtt:\/\/127\.0\.0\.1:\d+$/)
    expect(local.iotEndpoint).toMatch(/^ws:\/\/127\.0\.0\.1:\d+$/)
    expect(await upgrade(local, local.credentials)).toBe(101)
    expect(await upgrade(local, { ...local.credentials, secretAccessKey: 'another' })).toBe(403)
  })

  test('has buckets, which functions and their URLs reach', async () => {
    const local = await cloud({ region: 'eu-west-1' })
    const bucket = local.bucket('uploads')
    expect(local.bucket('uploads')).toBe(bucket)
    expect(bucket.arn).toBe('arn:aws:s3:::uploads')
    const { s3Endpoint: endpoint, region, credentials } = local
    const store = s3({ bucket: 'uploads', prefix: 'p/', endpoint, region, credentials })
    const changes = local.queue('changes')
    bucket.notify(changes, { events: ['s3:ObjectCreated:*'], prefix: 'p/i' })
    await changes.receive({ waitMs: 20_000 })
    await store.put('in', Buffer.from('from here'))
    const [change] = await changes.receive({ waitMs: 20_000 })
    expect(JSON.parse(change?.body ?? '')).toMatchObject({ Records: [{ s3: { object: { key: 'p/in' } } }] })
    const files = {
      'index.cjs': `exports.handler = async ({ get, put }) => {
        const body = await (await fetch(get)).text()
        const { status } = await fetch(put, { method: 'PUT', body: body + ', and back' })
        return { status, endpoint: process.env.AWS_ENDPOINT_URL_S3 }
      }`,
    }
    const fn = local.function({ name: 'fn', bundle: await folder(files) })
    const get = await store.presignGet('in', { expiresInMs: 60_000 })
    const put = await store.presignPut('out', { expiresInMs: 60_000, bytes: 19 })
    const { payload } = await fn.invoke({ get: get.url, put: put.url })
    expect(JSON.parse(Buffer.from(payload).toString())).toEqual({ status: 200, endpoint })
    expect(bucket.keys()).toEqual(['p/in', 'p/out'])
    expect(Buffer.from(bucket.get('p/out') ?? []).toString()).toBe('from here, and back')
    expect(() => local.bucket('Not a bucket')).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    const others = { accessKeyId: 'AKIANOBODY', secretAccessKey: 'x' }
    const nobody = s3({ bucket: 'uploads', endpoint, region, credentials: others })
    await expect(nobody.put('in', Buffer.from('x'))).rejects.toMatchObject({ code: 'STORE_FAILED' })
  })

  test('leaves nothing when it is closed, twice without harm', async () => {
    const local = await cloud()
    const bundle = await folder({ 'index.cjs': `exports.handler = async () => process.pid` })
    const fn = local.function({ name: 'fn', bundle })
    const { url } = await local.httpApi(fn)
    const pid = Number(await (await fetch(url)).text())
    const { snsEndpoint, s3Endpoint } = local
    await local.close()
    await local.close()
    expect(alive(pid)).toBe(false)
    await expect(fetch(url)).rejects.toThrow()
    await expect(fetch(snsEndpoint)).rejects.toThrow()
    await expect(fetch(s3Endpoint)).rejects.toThrow()
    await expect(local.open()).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(local.httpApi(fn)).rejects.toMatchObject({ code: 'CLOSED' })
  })

  test('says that it is not open, and closes all the same', async () => {
    const local = createLocalCloud()
    expect(() => local.snsEndpoint).toThrow(expect.objectContaining({ code: 'CLOSED' }))
    expect(() => local.s3Endpoint).toThrow(expect.objectContaining({ code: 'CLOSED' }))
    expect(() => local.function({ name: 'fn', bundle: '.' })).toThrow(
      expect.objectContaining({ code: 'CLOSED' }),
    )
    await local.close()
  })
})

/** The status of the broker's answer to a WebSocket upgrade with a URL that these credentials signed. */
async function upgrade(local: LocalCloud, identity: LocalCredentials): Promise<number> {
  const url = await signedUrl(local.iotEndpoint, { identity, now: Date.now() })
  const socket = new WebSocket(url, 'mqtt')
  onTestFinished(() => socket.terminate())
  return new Promise((resolve, reject) => {
    socket.on('open', () => resolve(101))
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
    socket.on('error', reject)
  })
}
