import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const host = /```ts\n(import \{ createSession \}.*?)```/s.exec(readFileSync(`${root}README.md`, 'utf8'))![1]!

/** What the compiler says of a module that uses this package as its users do. */
function errorsOf(source: string): string[] {
  const config = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile).config
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
  const paths = {
    'lambda-tether': ['./src/index.ts'],
    'lambda-tether/executors': ['./src/executors/index.ts'],
    'lambda-tether/*': ['./src/*.ts'],
  }
  const file = `${root}test/types/host.ts`
  const compilerHost = ts.createCompilerHost(options)
  const { getSourceFile, fileExists } = compilerHost
  compilerHost.fileExists = (name) => name === file || fileExists(name)
  compilerHost.getSourceFile = (name, languageVersion, ...rest) =>
    name === file
      ? ts.createSourceFile(name, source, languageVersion)
      : getSourceFile(name, languageVersion, ...rest)
  const program = ts.createProgram([file], { ...options, paths }, compilerHost)
  return ts
    .getPreEmitDiagnostics(program)
    .filter((diagnostic) => diagnostic.file?.fileName === file)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '))
}

describe('the README’s host', () => {
  it('has twenty lines and compiles', () => {
    expect(
      host
        .trim()
        .split('\n')
        .filter((line) => line !== '').length,
    ).toBeLessThanOrEqual(20)
    expect(errorsOf(host)).toEqual([])
  })

  it.each([
    ['a misspelt event', "session.on('respond'", "session.on('responded'"],
    ['an event named error', "session.on('fail'", "session.on('error'"],
    ['a misspelt option', 'stage:', 'staging:'],
    ['a missing option', "  stage: 'dev',\n", ''],
    ['a misspelt field of an event', '{ durationMs }', '{ duration }'],
    ['a misspelt option of serve', 'functions:', 'handlers:'],
    ['a target that is none', "'./src/api.ts#handler'", '7'],
    ['a transport that is none', "iot({ region: 'eu-west-1' })", "'iot'"],
  ])('does not compile with %s', (_, correct, wrong) => {
    expect(host).toContain(correct)
    expect(errorsOf(host.replace(correct, wrong))).not.toEqual([])
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
    expect(errorsOf(uses)).toEqual([])
    expect(errorsOf(uses.replaceAll('event.id', 'event.number'))).not.toEqual([])
  })
})
