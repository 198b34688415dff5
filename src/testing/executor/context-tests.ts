import assert from 'node:assert/strict'
import { CONTEXT, ENVIRONMENT, type ExecutorTest, REQUEST_ID } from './trial.js'

/** Tolerance for clocks read in different units, and for rounding. */
const ROUNDING_MS = 2

const AWKWARD: Readonly<Record<string, string>> = {
  EMPTY: '',
  SPACES: '  two  spaces ',
  EQUALS: 'a=b=c',
  QUOTES: `'single' "double" \\ $HOME \`tick\``,
  LINES: 'one\ntwo',
  UNICODE: 'größe 漢字 🎉',
  lower_case: 'yes',
}

interface Seen {
  readonly atStart: Readonly<Record<string, string>>
  readonly now: Readonly<Record<string, string>>
  readonly count: number
}

export const contextTests: readonly ExecutorTest[] = [
  {
    name: 'the context has every field of its invocation and none of the previous one',
    async run(trial) {
      const fields = {
        awsRequestId: REQUEST_ID,
        functionName: CONTEXT.functionName,
        functionVersion: CONTEXT.functionVersion,
        invokedFunctionArn: CONTEXT.invokedFunctionArn,
        memoryLimitInMB: CONTEXT.memoryLimitInMB,
        logGroupName: CONTEXT.logGroupName,
        logStreamName: CONTEXT.logStreamName,
      }
      const context = {
        ...CONTEXT,
        clientContext: {
          client: { app_title: 'shop' },
          custom: { place: 'größe 漢' },
          env: { locale: 'de' },
        },
        identity: { cognitoIdentityId: 'eu-west-1:1', cognitoIdentityPoolId: 'eu-west-1:2' },
        tenantId: 'tenant-1',
      }
      assert.deepEqual(await trial.value('context', {}, { context }), {
        ...fields,
        custom: { place: 'größe 漢' },
        cognitoIdentityId: 'eu-west-1:1',
        cognitoIdentityPoolId: 'eu-west-1:2',
        tenantId: 'tenant-1',
        traceId: null,
      })
      const awsRequestId = '00000000-e9f4-11e8-9739-2dfe598c3fcd'
      assert.deepEqual(await trial.value('context', {}, { context: { ...CONTEXT, awsRequestId } }), {
        ...fields,
        awsRequestId,
        custom: null,
        cognitoIdentityId: null,
        cognitoIdentityPoolId: null,
        tenantId: null,
        traceId: null,
      })
    },
  },
  {
    name: 'each invocation has its own trace id',
    needs: ['environment'],
    async run(trial) {
      const traceOf = async (changes: { traceId?: string }) => {
        const seen = await trial.value('context', {}, { context: { ...CONTEXT, ...changes } })
        return (seen as { traceId: unknown }).traceId
      }
      const traceId = 'Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1'
      assert.equal(await traceOf({ traceId }), traceId)
      assert.equal(await traceOf({ traceId: 'Root=2' }), 'Root=2')
      assert.equal(await traceOf({}), null)
    },
  },
  {
    name: 'the remaining time follows the deadline and counts down',
    async run(trial) {
      for (const timeLimitMs of [60_000, 900_000]) {
        const deadline = Date.now() + timeLimitMs
        const startedAt = Date.now()
        const [before, after] = (await trial.value('remaining', {}, { deadline })) as [number, number]
        const endedAt = Date.now()
        const said = `${before} ms were left of ${timeLimitMs}, and then ${after} ms.`
        assert(
          before <= deadline - startedAt + ROUNDING_MS && after >= deadline - endedAt - ROUNDING_MS,
          said,
        )
        assert(before - after >= 50 - ROUNDING_MS, said)
      }
    },
  },
  {
    name: 'the environment is the given one with PATH and HOME, also while the module loads',
    needs: ['environment'],
    async run(trial) {
      const env = { ...ENVIRONMENT, ...AWKWARD }
      const { atStart, now } = (await trial.value('environment', {}, { env })) as Seen
      const { PATH, HOME } = process.env
      const expected = {
        ...(PATH !== undefined && { PATH }),
        ...(HOME !== undefined && { HOME }),
        ...trial.environment(env),
      }
      const without = (seen: Seen['now']) =>
        Object.fromEntries(Object.entries(seen).filter(([name]) => !trial.runtimeVariables.includes(name)))
      assert.deepEqual(without(now), expected)
      assert.deepEqual(without(atStart), expected, 'The module was loaded in another environment.')
    },
  },
  {
    name: 'variables that run code are left out, and PATH and HOME are the machine’s',
    needs: ['environment'],
    async run(trial) {
      const left = ['NODE_PATH', 'PYTHONPATH', 'LD_LIBRARY_PATH', 'BASH_ENV', 'GIT_EXEC_PATH']
      const hostile = Object.fromEntries([...left, 'PATH', 'HOME'].map((name) => [name, '/nowhere']))
      const { now } = (await trial.value('environment', {}, { env: { ...ENVIRONMENT, ...hostile } })) as Seen
      assert.deepEqual([now.PATH, now.HOME], [process.env.PATH, process.env.HOME])
      assert.deepEqual(
        left.filter((name) => name in now),
        [],
        'They reached the function.',
      )
    },
  },
  {
    name: 'each invocation has its own variables',
    needs: ['environment'],
    async run(trial) {
      const seen = async (own: Record<string, string>) => {
        const { now } = (await trial.value('environment', {}, { env: { ...ENVIRONMENT, ...own } })) as Seen
        return [now.KEPT, now.CHANGED, now.GONE, now.NEW]
      }
      assert.deepEqual(await seen({ KEPT: '1', CHANGED: '1', GONE: '1' }), ['1', '1', '1', undefined])
      assert.deepEqual(await seen({ KEPT: '1', CHANGED: '2', NEW: '1' }), ['1', '2', undefined, '1'])
    },
  },
  {
    name: 'new credentials reach a running worker',
    needs: ['environment', 'rotation', 'workers'],
    async run(trial) {
      const seen = async (AWS_SESSION_TOKEN: string) => {
        const env = { ...ENVIRONMENT, AWS_SESSION_TOKEN }
        const { now, count } = (await trial.value('environment', {}, { env })) as Seen
        return [count, now.AWS_SESSION_TOKEN]
      }
      assert.deepEqual(await seen('first'), [1, 'first'])
      assert.deepEqual(await seen('second'), [2, 'second'])
    },
  },
]
