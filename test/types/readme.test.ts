import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { typeErrors } from '../support/type-errors.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const host = /```ts\n(import \{ createSession, report \}.*?)```/s.exec(
  readFileSync(`${root}README.md`, 'utf8'),
)![1]!

const LISTENERS = `
session.on('respond', ({ functionId }, { durationMs }) => console.log(functionId, durationMs))
session.on('fail', ({ functionId }, { error }) => console.error(functionId, error.errorMessage))
`

// The first reads and checks all types that the package's are made of, which takes a busy machine long.
describe('the README’s host', { timeout: 120_000 }, () => {
  it('has twelve lines and compiles', () => {
    expect(host.trim().split('\n').length).toBeLessThanOrEqual(12)
    expect(typeErrors(host + LISTENERS)).toEqual([])
  })

  it.each([
    ['a misspelt event', "session.on('respond'", "session.on('responded'"],
    ['an event named error', "session.on('fail'", "session.on('error'"],
    ['a misspelt option', 'stage:', 'staging:'],
    ['a missing option', "stage: 'dev', ", ''],
    ['a misspelt field of an event', '{ durationMs }', '{ duration }'],
    ['a misspelt option of serve', 'functions:', 'handlers:'],
    ['a target that is none', "'./src/api.ts#handler'", '7'],
    ['a transport that is none', "iot({ region: 'eu-west-1' })", "'iot'"],
  ])('does not compile with %s', (_, correct, wrong) => {
    const program = host + LISTENERS
    expect(program).toContain(correct)
    expect(typeErrors(program.replace(correct, wrong))).not.toEqual([])
  })

  it('types events, handlers and results', () => {
    const uses = `
      import { createSession, type Handler, type Invocation, TetherError } from 'lambda-tether'
      import { memory } from 'lambda-tether/transports/memory'
      interface Order { id: number }
      const handler: Handler<Order> = async (event, context) => event.id + context.getRemainingTimeInMillis()
      const session = createSession({ app: 'a', stage: 'b', key: '', transport: memory() }).serve({ functions: { handler } })
      session.on('status', (status) => {
        if (status.state === 'disconnected') status.retryInMs.toFixed()
      })
      const invocation: Invocation<Order> = await session.next<Order>('a', { where: ({ event }) => event.id === 1 })
      invocation.event.id.toFixed()
      try { await session.close() } catch (error) { if (error instanceof TetherError && error.code === 'CLOSED') throw error }
    `
    expect(typeErrors(uses)).toEqual([])
    expect(typeErrors(uses.replaceAll('event.id', 'event.number'))).not.toEqual([])
  })
})
