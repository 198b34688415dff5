import { afterAll, describe, expect, test } from 'vitest'
import { childProcesses } from '../../src/executors/child-process.js'
import { workerThreads } from '../../src/executors/worker-thread.js'
import { errorOf, projectOfFile, resultOf, taskFor } from './handler-project.js'
import { streamedBy } from './official-streams.js'

const project = await projectOfFile()
const streaming = await project.write(
  'streaming.mjs',
  `import { setTimeout } from 'node:timers/promises'
  const codes = {
    throws: async () => { globalThis.setTimeout(() => { throw new RangeError('loose') }); await new Promise(() => {}) },
    rejects: async () => { Promise.reject(new RangeError('unheard')); await new Promise(() => {}) },
    destroys: async (stream) => { stream.destroy(new Error('enough')) },
    latin: async () => { throw Object.assign(new Error('größe 漢'), { name: '漢\\nError' }) },
    runsOn: async (stream) => { stream.end(); await setTimeout(50); globalThis.done = true },
    tells: async (stream) => { stream.write(String(globalThis.done)); stream.end() },
  }
  export const handler = awslambda.streamifyResponse(async ({ code }, stream) => {
    stream.write('some ')
    await codes[code](stream)
  })`,
)
const malformed = await project.write(
  'malformed.mjs',
  `export const handler = async () => {}
  handler[Symbol.for('aws.lambda.runtime.handler.streaming')] = 'request'`,
)
const beside = await project.write(
  'beside.mjs',
  `export const handler = async () => typeof globalThis.awslambda?.streamifyResponse`,
)

describe.each([
  ['a worker thread', workerThreads({ spares: 0 })],
  ['a Node child process', childProcesses({ spares: 0 })],
])('in %s', (_name, executor) => {
  afterAll(() => executor.close())
  const environment = (environmentId: string, env = {}) => ({ environmentId, env })
  const streamed = async (code: string, environmentId = code) =>
    streamedBy(await executor.execute(taskFor(streaming, { code }, environment(environmentId))))

  test('an uncaught error or rejection ends the stream', async () => {
    expect(await streamed('throws')).toMatchObject({ body: 'some ', error: ['RangeError', 'loose'] })
    const rejected = ['Runtime.UnhandledPromiseRejection', 'RangeError: unheard']
    expect(await streamed('rejects')).toMatchObject({ body: 'some ', error: rejected })
  })

  test('a stream that is destroyed has failed', async () => {
    const { error } = await streamed('destroys')
    expect(error?.[0]).toBe('Runtime.TruncatedResponse')
  })

  test('an error that no header can carry comes as it is', async () => {
    expect((await streamed('latin')).error).toEqual(['漢\nError', 'größe 漢'])
  })

  test('the next invocation waits for a handler that runs on when its stream has ended', async () => {
    expect((await streamed('runsOn')).body).toBe('some ')
    expect((await streamed('tells', 'runsOn')).body).toBe('some true')
  })

  test('an unknown streaming mark is an error at the start', async () => {
    const outcome = await executor.execute(taskFor(malformed, {}, environment('malformed')))
    expect(errorOf(outcome)).toMatchObject({
      errorType: 'Runtime.MalformedStreamingHandler',
      errorMessage: 'Only response streaming is supported.',
    })
  })

  test('the global is there, unless it is switched off', async () => {
    expect(resultOf(await executor.execute(taskFor(beside, {}, environment('with'))))).toBe('function')
    const off = { AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA: 'true' }
    expect(resultOf(await executor.execute(taskFor(beside, {}, environment('without', off))))).toBe(
      'undefined',
    )
  })
})
