import { UpdateFunctionConfigurationCommand } from '@aws-sdk/client-lambda'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { goLive, type LiveOptions, restore } from '../../src/deploy/index.js'
import { type LiveAccount, liveAccount, PYTHON } from './live-fixture.js'

const FUNCTIONS = ['one', 'two']

let account: LiveAccount
let options: LiveOptions
beforeEach(async () => {
  account = await liveAccount({ controlPlane: { updateMs: 5, staleReads: 2 } })
  await account.create('one', { Environment: { Variables: { OWN: 'value' } } })
  await account.create('two', { Code: { ZipFile: PYTHON }, Runtime: 'python3.12', Handler: 'app.handler' })
  options = account.options({ functions: FUNCTIONS })
})
afterEach(() => account[Symbol.asyncDispose]())

/** What Lambda tells once it tells of the last change. */
async function states() {
  for (const name of FUNCTIONS) for (let read = 0; read < 2; read += 1) await account.state(name)
  return Promise.all(FUNCTIONS.map((name) => account.state(name)))
}

it('functions go live and come back while Lambda still returns stale state', async () => {
  const before = await states()
  expect((await goLive(options)).functions.map(({ outcome }) => outcome)).toEqual(['live', 'live'])
  // At once: the first reads tell of functions that are not live.
  expect((await restore(options)).functions.map(({ outcome }) => outcome)).toEqual(['restored', 'restored'])
  expect((await goLive(options)).functions.map(({ outcome }) => outcome)).toEqual(['live', 'live'])
  await restore(options)
  expect(await states()).toStrictEqual(before)
  expect(await options.snapshots.list('')).toEqual([])
})

it('a third party’s change is reported, even if it is read late', async () => {
  let acted = false
  account.onCall = async ({ operation, resource, stage }) => {
    if (acted || stage !== 'after' || operation !== 'TagResource' || !resource.endsWith('one')) return
    acted = true
    await account.lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'one', Timeout: 9 }))
  }
  await expect(goLive({ ...options, functions: ['one'] })).rejects.toMatchObject({
    code: 'DEPLOY_FAILED',
    message: expect.stringContaining('somebody changed it meanwhile'),
  })
})
