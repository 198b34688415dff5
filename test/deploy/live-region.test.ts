import { devNull } from 'node:os'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { fileSnapshots, goLive, plan, restore, restoreAll } from '../../src/deploy/index.js'
import { generateKey } from '../../src/index.js'

const snapshots = fileSnapshots('kept')
const names = { app: 'app', stage: 'dev' }
const options = {
  functions: ['one'],
  bundle: 'iot',
  stub: { ...names, key: generateKey(), endpoint: 'abc-ats.iot.eu-west-1.amazonaws.com' },
  snapshots,
} as const

// A machine on which nobody has logged in.
beforeEach(() => {
  for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_PROFILE']) vi.stubEnv(name, undefined)
  for (const name of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE']) vi.stubEnv(name, devNull)
})
afterEach(() => {
  vi.unstubAllEnvs()
})

it.each([
  ['plan', () => plan(options)],
  ['goLive', () => goLive(options)],
  ['restore', () => restore(options)],
  ['restoreAll', () => restoreAll({ ...names, snapshots })],
])('%s() gives the remedy if no region is known', async (_name, call) => {
  await expect(call()).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    message: "'region' is missing, and the AWS SDK finds none: pass it, set AWS_REGION, or log in.",
  })
})

it('restore() takes the options of goLive() as they are, and refuses others', async () => {
  await expect(restore({ ...options, onRefuse: 'skip' } as never)).rejects.toThrow(
    "'onRefuse' is no option of restore()",
  )
})
