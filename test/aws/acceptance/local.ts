import { generateKey } from '../../../src/index.js'
import { createLocalCloud, type LocalCloud, type LocalCloudOptions } from '../../../src/local/index.js'
import { type AccountUnderTest, localAccount } from './account.js'
import type { StackUnderTest } from './settings.js'

/** A local cloud with a debug stack, as an account under test. */
export interface LocalSubject extends AsyncDisposable {
  readonly cloud: LocalCloud
  readonly account: AccountUnderTest
  readonly stack: StackUnderTest
}

/** Opens one. */
export async function openLocal(options: LocalCloudOptions = {}): Promise<LocalSubject> {
  const cloud = createLocalCloud({
    region: 'eu-west-1',
    ...options,
    controlPlane: { updateMs: 20, ...options.controlPlane },
  })
  await cloud.open()
  const scope = { app: 'acceptance', stage: 'stack', key: generateKey() }
  const { endpoint } = await cloud.debugStack(scope)
  return {
    cloud,
    account: localAccount(cloud),
    stack: { ...scope, endpoint },
    [Symbol.asyncDispose]: () => cloud.close(),
  }
}
