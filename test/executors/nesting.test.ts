import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { responseJson } from '../../src/core/payload/collected-stream.js'
import { childProcesses, inline, workerThreads } from '../../src/executors/index.js'
import { postedError } from '../../src/executors/runtime-api/answer.js'
import type { Executor } from '../../src/index.js'
import { nestedArrays, nestedArraysText, nestedObjects, nestedObjectsText } from '../support/nested.js'
import { contextOf, errorOf, projectOfFile, taskFor } from './handler-project.js'

const project = await projectOfFile()
const LEVELS = 100_000

function executor(kind: 'threads' | 'processes'): Executor {
  const made = kind === 'threads' ? workerThreads() : childProcesses()
  onTestFinished(() => made.close())
  return made
}

describe.each(['threads', 'processes'] as const)('5,000 nested arrays, in %s', (kind) => {
  test.each([
    ['arrays', nestedArrays(LEVELS)],
    ['objects', nestedObjects(LEVELS)],
  ])('of %s in a client context are an error with a name', async (_what, clientContext) => {
    const path = await project.write('context.mjs', 'export const handler = async () => "ran"')
    const context = { ...contextOf('deep'), clientContext }
    expect(errorOf(await executor(kind).execute(taskFor(path, {}, { context })))).toMatchObject({
      errorType: 'LambdaTether.TOO_LARGE',
      errorMessage: expect.stringContaining('nested too deeply'),
    })
  })

  test('in a response are an error with a name', async () => {
    const source = `export const handler = async () => JSON.parse('['.repeat(${LEVELS}) + ']'.repeat(${LEVELS}))`
    const path = await project.write('response.mjs', source)
    expect(errorOf(await executor(kind).execute(taskFor(path)))).toMatchObject({
      errorType: 'Runtime.MarshalError',
      errorMessage: expect.stringContaining('Unable to stringify response body'),
    })
  })

  test('in an event arrive', async () => {
    const path = await project.write('event.mjs', 'export const handler = async (event) => event.length')
    const task = { ...taskFor(path), event: Buffer.from(nestedArraysText(5_000)) }
    expect(await executor(kind).execute(task)).toMatchObject({ kind: 'value' })
  })
})

describe('5,000 nested arrays', () => {
  test('in a response of a handler in this process are an error with a name', async () => {
    const made = inline()
    onTestFinished(() => made.close())
    const build = { kind: 'module', load: async () => async () => nestedArrays(LEVELS) } as const
    expect(errorOf(await made.execute(taskFor('', {}, { build })))).toMatchObject({
      errorType: 'Runtime.MarshalError',
    })
  })

  test.each([
    ['cause', `{"errorMessage":"m","cause":${nestedObjectsText(LEVELS, 'cause')}}`],
    ['trace', `{"errorMessage":"m","trace":[${nestedArraysText(LEVELS)},"line"]}`],
    ['stackTrace', `{"errorMessage":"m","stackTrace":[["file",1],${nestedArraysText(LEVELS)}]}`],
  ])('in the %s of an error that a runtime posts end after a few', async (_field, body) => {
    const error = await posted(body)
    expect(error.errorMessage).toBe('m')
    expect(JSON.stringify(error).length).toBeLessThan(2_000)
  })

  test('in the prelude of a streamed response are an error with a name', () => {
    const prelude = `{"headers":${nestedArraysText(LEVELS)}}`
    const stream = Buffer.concat([Buffer.from(prelude), Buffer.alloc(8), Buffer.from('body')])
    expect(() => responseJson(stream, 'application/vnd.awslambda.http-integration-response')).toThrow(
      expect.objectContaining({ errorType: 'LambdaTether.TOO_LARGE' }),
    )
  })
})

/** What the session makes of a body that a runtime posts as its error. */
async function posted(body: string) {
  const server = createServer()
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  onTestFinished(() => void server.close())
  const request = new Promise<Parameters<typeof postedError>[0]>((resolve) => {
    server.once('request', (incoming, response) => {
      resolve(incoming)
      response.end()
    })
  })
  await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  return postedError(await request, Buffer.from(body)).error
}
