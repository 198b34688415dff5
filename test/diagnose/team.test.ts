import { expect, test } from 'vitest'
import { diagnose } from '../../src/diagnose/index.js'
import { Tether } from '../support/tether.js'

test('diagnose reports the present members of a team, their takes, and overlaps', async () => {
  await using tether = new Tether()
  const team = ['alice', 'bob']
  const alice = tether.session({ name: 'alice', team })
  const bob = tether.session({ name: 'bob', team, take: { functions: ['api'] } })
  await alice.open()
  await bob.open()
  const check = async () => {
    const { app, stage } = { app: 'shop', stage: 'dev' }
    const { key, transport } = tether
    const { checks } = await diagnose({ app, stage, name: 'bob', key, transport, session: bob, listenMs: 0 })
    return checks.find(({ id }) => id === 'team')
  }
  expect(await check()).toMatchObject({
    outcome: 'warning',
    seen: `'alice' takes all. This session takes {"functions":["api"]}. 0 of its invocations were taken by another's card as well; it declined 0.`,
    advice: expect.stringContaining("'alice' takes the same functions"),
  })
  alice.setTake({ marker: 'alice' })
  await expect.poll(async () => (await check())?.outcome, { interval: 10 }).toBe('ok')
})
