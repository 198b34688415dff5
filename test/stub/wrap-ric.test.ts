import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { streamified } from '../../src/core/contracts/response-stream.js'
import { generateKey } from '../../src/core/wire/root-key.js'
import { createSession } from '../../src/create-session.js'
import type { Handler } from '../../src/index.js'
import { createLocalCloud, type LocalCloud } from '../../src/local/index.js'
import { mqtt } from '../../src/transports/mqtt.js'
import { folderOf, outcome, wrappedFunction } from './wrapped-function.js'

/** Where the `index.mjs` of AWS's own runtime for Node lies (`aws-lambda-ric` 4, which is that of Lambda's Node 24). */
const { AWS_LAMBDA_RIC, REQUIRE_REAL_SERVERS } = process.env

describe.skipIf(AWS_LAMBDA_RIC === undefined && REQUIRE_REAL_SERVERS === undefined)(
  "a wrapped function in AWS's own runtime, with aws-lambda-ric in AWS_LAMBDA_RIC",
  () => {
    let cloud: LocalCloud
    const key = generateKey()
    let names = 0

    beforeAll(async () => {
      if (AWS_LAMBDA_RIC === undefined)
        throw new Error('AWS_LAMBDA_RIC must be the index.mjs of aws-lambda-ric.')
      cloud = createLocalCloud()
      await cloud.open()
    })
    afterAll(() => cloud?.close())

    /** A wrapper that is there already puts AWS's runtime in the place of the local cloud's. */
    async function wrapped(files: Record<string, string>, mode: 'live' | 'mirror' = 'live') {
      const stage = `stage-${++names}`
      const layer = await folderOf({
        'ric.sh': `#!/bin/bash\nexec "$1" "${process.execPath}" "${AWS_LAMBDA_RIC}"\n`,
      })
      const parties = { app: 'shop', stage, key, functionId: 'api', url: cloud.mqttUrl, ackTimeoutMs: 500 }
      const stub = { ...parties, mode, execWrapper: `${layer}/ric.sh` }
      const fn = await wrappedFunction(cloud, { name: stage, stub, files, layers: [layer] })
      const session = createSession({ app: 'shop', stage, key, transport: mqtt({ url: cloud.mqttUrl }) })
      onTestFinished(() => session.close({ signal: AbortSignal.abort() }))
      return { fn, session }
    }

    const handled = `async (event, context) => ({ by: 'cloud', event, id: typeof context.awsRequestId, main: process.argv[1] })`

    it.each([
      ['CommonJS', { 'index.js': `exports.handler = ${handled}` }],
      ['an ES module', { 'index.mjs': `export const handler = ${handled}` }],
    ])('is answered by the session, or by itself if no session is there (%s)', async (_, files) => {
      const { fn, session } = await wrapped(files)
      const own = { by: 'cloud', event: { n: 1 }, id: 'string', main: AWS_LAMBDA_RIC }
      expect((await outcome(fn, { n: 1 })).answer).toEqual(own)
      session.serve({
        functions: {
          api: async (event: { fail?: true }) => {
            if (event.fail) throw new RangeError('local')
            return { by: 'local', event }
          },
        },
      })
      await session.open()
      expect((await outcome(fn, { n: 2 })).answer).toEqual({ by: 'local', event: { n: 2 } })
      expect(await outcome(fn, { fail: true })).toMatchObject({
        functionError: 'Unhandled',
        answer: { errorType: 'RangeError', errorMessage: 'local' },
      })
      await session.close()
      expect((await outcome(fn, { n: 1 })).answer).toEqual(own)
    })

    it('passes on errors of its own code, thrown at once or later', async () => {
      const code = `exports.handler = (event) => { if (event.sync) throw new RangeError('at once'); return Promise.reject(new TypeError('later')) }`
      const { fn } = await wrapped({ 'index.js': code })
      expect((await outcome(fn, { sync: true })).answer).toMatchObject({ errorType: 'RangeError' })
      expect((await outcome(fn)).answer).toMatchObject({ errorType: 'TypeError', errorMessage: 'later' })
    })

    it('streams the session’s answer, or its own if no session is there', async () => {
      const code = `exports.handler = awslambda.streamifyResponse(async (event, stream) => { stream.write('in parts'); stream.end() })`
      const { fn, session } = await wrapped({ 'index.js': code })
      const run = async (event: unknown) => {
        const { contentType, body, end } = await fn.invokeWithResponseStream(event)
        const chunks: Uint8Array[] = []
        for await (const chunk of body) chunks.push(chunk)
        return [contentType, Buffer.concat(chunks).toString(), (await end).error?.type]
      }
      expect(await run({})).toEqual(['application/octet-stream', 'in parts', undefined])
      const api = streamified(async (event, stream) => {
        stream.setContentType('text/html')
        stream.write('local')
        if (event.fails) throw new RangeError('local')
        stream.end()
      })
      session.serve({ functions: { api: api as Handler } })
      await session.open()
      expect(await run({})).toEqual(['text/html', 'local', undefined])
      expect(await run({ fails: true })).toEqual(['text/html', 'local', 'RangeError'])
    })

    it('answers itself in mirror mode, and the session gets its events', async () => {
      const { fn, session } = await wrapped({ 'index.js': `exports.handler = ${handled}` }, 'mirror')
      await session.open()
      let heard = false
      const next = session.next('api').finally(() => {
        heard = true
      })
      for (let n = 0; !heard && n < 500; n++) {
        expect((await outcome(fn, { n })).answer).toMatchObject({ by: 'cloud', event: { n } })
      }
      expect((await next).mirrored).toBe('event')
    })
  },
)
