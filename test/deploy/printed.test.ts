import { TagResourceCommand } from '@aws-sdk/client-lambda'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { goLive, plan, restore } from '../../src/deploy/index.js'
import { type LiveAccount, liveAccount } from './live-fixture.js'

/** Clears a terminal, renames its window, and writes the rest of the line backwards. */
const HOSTILE = '\u001b[2J\u001b]0;owned\u0007\u202eyou'
const VISIBLE = '\\x1b[2J\\x1b]0;owned\\x07\\u202eyou'

let account: LiveAccount
beforeEach(async () => {
  account = await liveAccount({ controlPlane: { failUpdate: () => HOSTILE } })
})
afterEach(() => account[Symbol.asyncDispose]())

/** What a host prints of a call, which must be harmless and have the words. */
async function expectHarmless(printed: Promise<unknown>): Promise<void> {
  const text = String(await printed.catch((error: unknown) => error))
  expect(text).toContain(VISIBLE)
  expect(text).not.toMatch(/[^\P{C}\n]/u)
}

describe('text from the account reaches a terminal without control sequences', () => {
  it('in a plan', async () => {
    await account.create('one', { Handler: `index${HOSTILE}.handler` })
    const given = account.options({ functions: ['one'], mode: 'replace' })
    await expectHarmless(plan(given))
    const { functions } = await plan(given)
    expect(functions[0]?.changes.map(({ from }) => from)).toContain(`index${HOSTILE}.handler`)
  })

  it('in an error of AWS, on one line', async () => {
    account.onCall = () => ({ error: 'AccessDeniedException', message: `${HOSTILE}\nno` })
    const given = account.options({ functions: ['one'] })
    for (const call of [plan, goLive, restore]) {
      await expectHarmless(call(given))
      await expect(call(given)).rejects.toThrow('\\nno')
    }
  })

  it('in the variable and the tag of a function that is live from elsewhere', async () => {
    const Variables = { LAMBDA_TETHER_SNAPSHOT: `0123${HOSTILE}` }
    await account.create('one', { Environment: { Variables } })
    const { configuration } = await account.state('one')
    // A tag may have any white space.
    const Tags = { 'lambda-tether:snapshot': 'some\nplace' }
    await account.lambda.send(new TagResourceCommand({ Resource: configuration.FunctionArn, Tags }))
    const given = account.options({ functions: ['one'] })
    for (const call of [plan, goLive, restore]) {
      await expectHarmless(call(given))
      await expect(call(given).then(String, String)).resolves.toContain('its tag says: some\\nplace')
    }
    const { functions } = await goLive({ ...given, onRefused: 'skip' })
    await expectHarmless(Promise.resolve(functions[0]?.reasons))
  })

  it('in the reason why an update failed', async () => {
    await account.create('one')
    await expectHarmless(goLive(account.options({ functions: ['one'] })))
  })
})
