import { describe, expect, onTestFinished, test } from 'vitest'
import { createLocalCloud, httpApi, type InvokeResult } from '../../src/local/index.js'
import { nestedArrays, nestedArraysText, nestedObjectsText } from '../support/nested.js'
import { smithy } from '../support/signers.js'
import { folder } from './lambda-fixture.js'

const LEVELS = 5_000
/** Every member that CreateFunction and the updates read, and some that only travel. */
const MEMBERS = [
  'Architectures',
  'Code',
  'DeadLetterConfig',
  'Description',
  'Environment',
  'FileSystemConfigs',
  'Handler',
  'KMSKeyArn',
  'Layers',
  'LoggingConfig',
  'MemorySize',
  'RevisionId',
  'Role',
  'Runtime',
  'SnapStart',
  'Timeout',
  'VpcConfig',
  'ZipFile',
]

/** A cloud with one function, and a client that signs whatever it is told to send. */
async function cloudWith() {
  const cloud = createLocalCloud()
  onTestFinished(() => cloud.close())
  await cloud.open()
  const bundle = await folder({ 'index.cjs': 'exports.handler = async (event) => 1' })
  cloud.function({ name: 'fn', bundle })
  const { region, credentials, lambdaEndpoint } = cloud
  const send = async (method: string, path: string, body?: string) => {
    const url = new URL(lambdaEndpoint + path)
    const text = body === undefined ? {} : { body }
    const headers = await smithy.headers({
      service: 'lambda',
      region,
      at: Date.now(),
      credentials,
      method,
      url,
      ...text,
    })
    const response = await fetch(url, { method, headers, ...text })
    return { type: response.headers.get('x-amzn-errortype'), text: await response.text() }
  }
  return { cloud, send }
}

describe('5,000 nested arrays', () => {
  test.each(MEMBERS)('in the %s of a function are refused by name, and nothing is stored', async (member) => {
    const { send } = await cloudWith()
    for (const deep of [nestedArraysText(LEVELS), nestedObjectsText(LEVELS)]) {
      const body = `{"${member}":${deep}}`
      for (const [method, path] of [
        ['PUT', '/2015-03-31/functions/fn/configuration'],
        ['PUT', '/2015-03-31/functions/fn/code'],
        ['POST', '/2015-03-31/functions'],
      ] as const) {
        const { type, text } = await send(method, path, body)
        expect(type).toBe('InvalidRequestContentException')
        expect(text).toContain('nested over 100 levels deep')
      }
    }
    const listed = await send('GET', '/2015-03-31/functions')
    expect(JSON.parse(listed.text).Functions).toHaveLength(1)
  })

  test('in tags are refused by name', async () => {
    const { send, cloud } = await cloudWith()
    const arn = `arn:aws:lambda:${cloud.region}:123456789012:function:fn`
    const path = `/2017-03-31/tags/${encodeURIComponent(arn)}`
    const { type } = await send('POST', path, `{"Tags":{"a":${nestedArraysText(LEVELS)}}}`)
    expect(type).toBe('InvalidRequestContentException')
  })

  test('in an event that is invoked with arrive', async () => {
    const { send } = await cloudWith()
    const answer = await send('POST', '/2015-03-31/functions/fn/invocations', nestedArraysText(LEVELS))
    expect(answer).toEqual({ type: null, text: '1' })
  })

  test('in an event that is no text yet are an error with a name', async () => {
    const { cloud } = await cloudWith()
    const fn = cloud.function({ name: 'other', bundle: await folder({ 'index.cjs': '' }) })
    await expect(fn.invoke(nestedArrays(LEVELS))).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    await expect(fn.invoke({}, { clientContext: nestedArrays(LEVELS) })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    })
  })

  test.each([
    ['statusCode', nestedArraysText(LEVELS)],
    ['body', nestedArraysText(LEVELS)],
    ['headers', nestedObjectsText(LEVELS)],
    ['cookies', nestedArraysText(LEVELS)],
  ])('in the %s of an HTTP response are the error that API Gateway gives', async (member, deep) => {
    const payload = Buffer.from(`{"statusCode":200,"${member}":${deep}}`)
    const answer: InvokeResult = { requestId: 'r', statusCode: 200, payload, logTail: '', durationMs: 0 }
    const api = await httpApi({ function: { invoke: async () => answer } })
    onTestFinished(() => api.close())
    const response = await fetch(api.url)
    expect([response.status, await response.text()]).toEqual([500, '{"message":"Internal Server Error"}'])
  })
})
