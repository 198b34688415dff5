import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { childProcesses } from '../../src/executors/child-process.js'
import { createSession, generateKey } from '../../src/index.js'
import { readStubEnvironment } from '../../src/stub/configuration.js'
import { deployedStub } from '../../src/stub/deployed-stub.js'
import { parseExactly } from '../../src/stub/exact-json.js'
import { createStub, type StubHandler, stubEnvironment, stubKey } from '../../src/stub/index.js'
import { memory } from '../../src/transports/memory.js'
import { handlerProject } from '../executors/handler-project.js'
import { stubContext } from '../support/stub-context.js'

const KEEPS = 'rawJSON' in JSON
const EXACT = [
  '9007199254740993',
  '[-12345678901234567890, 1.0, -0, -0.0, 1e400, 1E5, 1e-7, 0.10, 100.0, 123456789.123456789, 0.00000012]',
  '[0.1234567890123456, -0]',
  '[1.5,-0.0]',
  '{ "a": { "b": [1.50, "9007199254740993", "1.0"] }, "n": null, "t": true, "": 2.0 }',
  ' \n1.0 ',
]
const AS_THEY_ARE = [
  '[0, 1, -1, 10, 0.5, 1.05, 10.01, 900719925474099]',
  '{"at":"2026-11-30T10:20:30.500Z","id":"3f5e1e50-0b1d-4e50","big":"x, 1e5"}',
  '""',
]

describe('answers of runtimes that are not JavaScript', () => {
  it.runIf(KEEPS).each(EXACT)('%s is printed as it came', (text) => {
    expect(JSON.stringify(parseExactly(text))).toBe(compact(text))
  })

  it.runIf(!KEEPS).each(EXACT)('%s is read as usual if Node cannot keep it', (text) => {
    expect(parseExactly(text)).toEqual(JSON.parse(text))
  })

  it.each(AS_THEY_ARE)('%s has plain values', (text) => {
    expect(parseExactly(text)).toEqual(JSON.parse(text))
  })

  it('numbers of JavaScript’s own cost no reviver', () => {
    const reviver = vi.spyOn(JSON, 'parse')
    onTestFinished(() => reviver.mockRestore())
    const text = JSON.stringify([
      0.1 + 0.2,
      1e21,
      1.5e-7,
      -1 / 3,
      2 ** 53 - 1,
      Number.MAX_VALUE,
      1_764_000_000_000,
    ])
    expect(parseExactly(text)).toEqual(JSON.parse(text))
    expect(reviver.mock.calls.map(({ length }) => length)).toEqual([1, 1])
  })

  it.runIf(KEEPS)('text too deep for exact numbers is read as usual', () => {
    const text = `${'['.repeat(20_000)}1.0${']'.repeat(20_000)}`
    expect(Array.isArray(parseExactly(text))).toBe(true)
  })

  it('invalid JSON throws a SyntaxError', () => {
    for (const text of ['1.0.0', '[1.0', '{"a":1e5,}', '01.0'])
      expect(() => parseExactly(text)).toThrow(SyntaxError)
  })

  it('go through a deployed stub as they are, and are numbers for a host that calls a stub itself', async () => {
    await using project = await handlerProject({
      'app.py':
        'def handler(event, context):\n    return {"id": 9007199254740993, "total": 1.0, "list": [12345678901234567890]}\n',
    })
    const names = { app: 'shop', stage: 'dev', functionId: 'api' }
    const { app, stage } = names
    const [root, transport] = [generateKey(), memory()]
    const key = stubKey({ ...names, key: root })
    await using session = createSession({ app, stage, key: root, transport })
    session.serve({ executor: childProcesses(), functions: { api: join(project.folder, 'app.py') } })
    await session.open()
    const environment = stubEnvironment({ ...names, key: root, url: 'mqtt://broker.example' })
    const deployed = deployedStub(readStubEnvironment({ ...environment }), transport) as StubHandler
    const called = createStub({ ...names, key, transport, env: {} })
    const numbers = { id: 9007199254740992, total: 1, list: [12345678901234567000] }
    expect(await called({}, stubContext())).toEqual(numbers)
    expect(JSON.stringify(await deployed({}, stubContext()))).toBe(
      KEEPS ? '{"id":9007199254740993,"total":1.0,"list":[12345678901234567890]}' : JSON.stringify(numbers),
    )
    await called.close()
    await deployed.close()
  })
})

function compact(text: string): string {
  return text.replace(/"[^"]*"|\s+/g, (part) => (part.startsWith('"') ? part : ''))
}
