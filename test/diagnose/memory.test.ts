import { describe, expect, it } from 'vitest'
import { encodeHeader } from '../../src/core/wire/frame.js'
import { diagnose } from '../../src/diagnose/index.js'
import { createSession, type Endpoint, generateKey, type Transport } from '../../src/index.js'
import { createStub, stubKey } from '../../src/stub/index.js'
import { memory } from '../../src/transports/memory.js'
import { ManualClock } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'
import { found, key, place } from './found.js'

const SESSION: Endpoint = { app: 'shop', stage: 'dev', role: 'session', name: 'default' }

describe('diagnose()', () => {
  it('finds a working connection and no session', async () => {
    const { outcomes, advice, diagnosis } = await found({ transport: memory() })
    expect(outcomes).toEqual({
      connect: 'ok',
      echo: 'ok',
      presence: 'unknown',
      name: 'warning',
      stubs: 'unknown',
    })
    expect(advice.name).toContain('Open the session')
    expect(diagnosis.ok).toBe(true)
  })

  it('names the session that has the name, and leaves it alone', async () => {
    const transport = memory()
    await using session = createSession({ ...place, transport }).serve({
      functions: { api: async () => 'answer' },
    })
    await session.open()
    const troubles: string[] = []
    session.on('discard', ({ message }) => troubles.push(message))
    session.on('displaced', () => troubles.push('displaced'))
    const stub = createStub({
      ...place,
      key: stubKey({ ...place, functionId: 'api' }),
      functionId: 'api',
      transport,
    })
    let answer: unknown
    const { outcomes, seen } = await found({
      transport,
      session,
      onCheck: ({ id }) => {
        if (id === 'connect') answer = stub({}, stubContext())
      },
    })
    expect(outcomes).toEqual({
      connect: 'ok',
      echo: 'ok',
      presence: 'ok',
      name: 'ok',
      stubs: 'ok',
      session: 'ok',
    })
    expect(seen.name).toMatch(/^Session [\w-]{22} has 'default', opened at 20\d\d-/)
    expect(seen.stubs).toMatch(/^Environments heard: 1 of version 2 with key [0-9a-f]{8} \(yours\)\.$/)
    expect(seen.session).toContain('1 invocations received')
    expect(await answer).toBe('answer')
    expect(troubles).toEqual([])
  })

  it('reports that the last session has closed', async () => {
    const transport = memory()
    await (await createSession({ ...place, transport }).open()).close()
    const { outcomes, seen } = await found({ transport })
    expect(outcomes).toMatchObject({ presence: 'ok', name: 'warning' })
    expect(seen.name).toContain("Nobody has 'default': its last session has closed")
  })

  it('reports a session and stubs with another key or version, by their headers', async () => {
    const transport = memory()
    const other = generateKey()
    await using session = createSession({ ...place, key: other, transport })
    await session.open()
    const sender = Buffer.alloc(28, 7).toString('base64url')
    const numbers = { messageNumber: 0, index: 0, count: 1, totalBytes: 0 }
    const header = encodeHeader({ kind: 'stub', sender, ...numbers })
    header[0] = 9
    await using connection = await transport.connect(
      { ...SESSION, role: 'stub', name: 'x' },
      { onFrame() {} },
    )
    const foreign = createStub({
      ...place,
      key: stubKey({ ...place, key: other, functionId: 'api' }),
      transport,
    })
    const { outcomes, seen, advice, diagnosis } = await found({
      transport,
      onCheck: ({ id }) => {
        if (id !== 'connect') return
        void connection.send(SESSION, header)
        void foreign({}, stubContext()).catch(() => {})
      },
    })
    expect(outcomes).toMatchObject({ presence: 'warning', stubs: 'failed' })
    expect(seen.presence).toMatch(/sealed with key [0-9a-f]{8}, which these keys do not open/)
    expect(seen.stubs).toContain('1 of version 9 with key 07070707 (not yours)')
    expect(seen.stubs).toMatch(/1 of version 2 with key [0-9a-f]{8} \(not yours\)/)
    expect(advice.stubs).toContain('stubEnvironment()')
    expect(diagnosis.ok).toBe(false)
    expect(String(diagnosis)).not.toContain(key)
  })

  it('ends each check at its timeout, and skips its dependents', async () => {
    const clock = new ManualClock()
    const transport: Transport = {
      ...memory(),
      diagnosis: () => ({
        checks: [
          { id: 'first', run: () => new Promise(() => {}) },
          { id: 'second', needs: ['first'], run: async () => ({ outcome: 'ok', seen: 'no' }) },
          { id: 'third', needs: ['second'], run: async () => ({ outcome: 'ok', seen: 'no' }) },
          { id: 'other', run: async () => ({ outcome: 'ok', seen: 'yes' }) },
        ],
        phases: ['connect'],
      }),
    }
    const finding = found({ transport, clock, checkTimeoutMs: 4_000 })
    await clock.advance(4_000)
    const { outcomes, seen } = await finding
    expect(outcomes).toEqual({
      first: 'failed',
      second: 'skipped',
      third: 'skipped',
      other: 'ok',
      connect: 'skipped',
      echo: 'skipped',
      presence: 'skipped',
      name: 'skipped',
      stubs: 'skipped',
    })
    expect(seen.first).toBe('No answer within 4,000 ms.')
    expect(seen.third).toBe("Rests on 'first'.")
    expect(clock.pending).toBe(0)
  })

  it('ends with its signal', async () => {
    const transport: Transport = { ...memory(), connect: () => new Promise(() => {}) }
    const stop = new AbortController()
    const ended = diagnose({ ...place, transport, signal: stop.signal })
    stop.abort()
    await expect(ended).rejects.toMatchObject({ code: 'ABORTED' })
  })

  it('prints a line for each check and one for each advice', async () => {
    const { diagnosis } = await found({ transport: memory() })
    const lines = String(diagnosis).split('\n')
    expect(lines[0]).toBe('ok       connect      The broker takes the client.')
    expect(lines.at(-1)).toMatch(/^ +→ Invoke a function meanwhile/)
  })
})
