import { afterEach, beforeEach, expect, it } from 'vitest'
import { goLive, plan, restore } from '../../src/deploy/index.js'
import { stubKey } from '../../src/stub/index.js'
import { holds, ownPart, sessionSecrets } from '../support/leaks.js'
import { APP, type LiveAccount, liveAccount, PYTHON } from './live-fixture.js'

let account: LiveAccount
beforeEach(async () => {
  account = await liveAccount()
  await account.create('wrapped', { Environment: { Variables: { OWN: 'value' } } })
  await account.create('replaced', {
    Code: { ZipFile: PYTHON },
    Runtime: 'python3.12',
    Handler: 'app.handler',
  })
})
afterEach(() => account[Symbol.asyncDispose]())

it('a live function has only its own key; stored and printed data contain no key', async () => {
  const options = account.options({ functions: [{ name: 'wrapped', functionId: 'api' }, 'replaced'] })
  const { key } = options.stub
  const keys = {
    wrapped: stubKey({ ...APP, key, functionId: 'api' }),
    replaced: stubKey({ ...APP, key, functionId: 'replaced' }),
  }
  const planned = await plan(options)
  const first = await goLive(options)
  // A second time, with other settings: what is kept is written anew.
  const again = await goLive({ ...options, timeoutSeconds: 60 })

  const variables: Record<string, string> = {}
  for (const name of ['wrapped', 'replaced'] as const) {
    const { configuration } = await account.state(name)
    expect(configuration.Environment?.Variables).toMatchObject({ LAMBDA_TETHER_KEY: keys[name] })
    variables[name] = JSON.stringify(await account.state(name))
  }
  const { snapshots } = options
  const kept: Record<string, Uint8Array> = {}
  for (const name of await snapshots.list('')) kept[name] = (await snapshots.get(name)) ?? new Uint8Array()
  expect(Object.keys(kept)).toHaveLength(3)
  const told = {
    plan: JSON.stringify(planned) + planned.toString(),
    report: JSON.stringify([first, again]),
    again: JSON.stringify(await plan({ ...options, timeoutSeconds: 90 })),
    policies: JSON.stringify(await Promise.all(Object.keys(keys).map((name) => account.policy(name)))),
  }

  for (const [what, bytes] of Object.entries({ ...variables, ...kept, ...told })) {
    for (const [name, secret] of Object.entries(sessionSecrets(String(key), APP)))
      expect(holds(bytes, secret), `${what} has ${name}`).toBe(false)
    for (const [name, own] of Object.entries(keys))
      expect(holds(bytes, ownPart(own)), `${what} has the key of ${name}`).toBe(what === name)
  }
  await restore(options)
  for (const name of Object.keys(keys))
    expect(JSON.stringify(await account.state(name))).not.toContain('LAMBDA_TETHER')
})

it('a function by its ARN goes by its name', async () => {
  const { configuration } = await account.state('wrapped')
  const options = account.options({ functions: [String(configuration.FunctionArn)] })
  await goLive(options)
  expect((await account.state('wrapped')).configuration.Environment?.Variables).toMatchObject({
    LAMBDA_TETHER_KEY: stubKey({ ...APP, key: options.stub.key, functionId: 'wrapped' }),
    LAMBDA_TETHER_FUNCTION: 'wrapped',
  })
})

it('no function gets a key of all', async () => {
  const options = account.options({ functions: [{ name: 'wrapped', functionId: '*' }] })
  await expect(goLive(options)).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringContaining("'functions[0].functionId' must be the function's own"),
  })
})
