import { expect, it, onTestFinished } from 'vitest'
import { goLive, plan, restore } from '../../src/deploy/index.js'
import { createSession } from '../../src/index.js'
import { iot } from '../../src/transports/iot.js'
import { APP, liveAccount } from './live-fixture.js'

it('a team goes live, a colleague joins by one call that changes variables and policies only, and all come back', {
  timeout: 60_000,
}, async () => {
  const account = await liveAccount()
  onTestFinished(() => account[Symbol.asyncDispose]())
  await account.create('esm', { Timeout: 10 })
  const before = await account.state('esm')
  const withTeam = (...team: string[]) => {
    const { stub, ...rest } = account.options({ functions: ['esm'] })
    return { ...rest, stub: { ...stub, team } }
  }
  const first = withTeam('alice', 'bob')
  const planned = await plan(first)
  expect(planned.sessions).toEqual(['alice', 'bob'])
  expect(String(planned)).toContain(
    'The stage is shared by sessions alice, bob. One of any other name hears nothing.',
  )
  await goLive(first)
  const [policy] = await account.policies('esm')

  const all = withTeam('alice', 'bob', 'carol')
  const { functions } = await plan(all)
  expect(functions).toMatchObject([{ action: 'update', changes: [{ what: 'environment' }] }])
  expect(functions[0]!.changes).toHaveLength(1)
  await goLive(all)
  expect(await account.policies('esm')).toEqual([policy])

  const { region, credentials, iotEndpoint: endpoint } = account.cloud
  const team = all.stub.team
  const transport = iot({ region, credentials, endpoint })
  const carol = createSession({
    ...APP,
    key: all.stub.key,
    name: 'carol',
    team,
    transport,
    take: { event: { n: [2] } },
  })
  carol.on('invoke', (invocation) => invocation.respond('carol'))
  await carol.open()
  expect(await account.invoke('esm', { n: 2 })).toBe('carol')
  expect(await account.invoke('esm', { n: 1 })).toEqual({ cloud: 'esm', event: { n: 1 } })
  await carol.close()

  await restore(all)
  expect(await account.state('esm')).toStrictEqual(before)
  expect(await account.policies('esm')).toEqual([])
})
