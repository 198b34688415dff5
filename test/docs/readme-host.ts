import { read } from './pages.js'

const shown = [...read('README.md').matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, text]) => text!)

/** The README's program that serves functions. */
export const readmeHost = shown.find((text) => text.startsWith('import { createSession, report }'))!

const LISTENERS = `
session.on('respond', ({ functionId }, { durationMs }) => console.log(functionId, durationMs))
session.on('fail', ({ functionId }, { error }) => console.error(functionId, error.errorMessage))
`
const USES = `
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

/** Programs that compile: the README's host with listeners, and uses of typed events, handlers and results. */
export const RIGHT: Readonly<Record<string, string>> = { host: readmeHost + LISTENERS, uses: USES }

/** What is wrong with a program that does not compile, and what of which program it stands in place of. */
const MISTAKES: readonly (readonly [
  name: string,
  program: keyof typeof RIGHT,
  correct: string,
  wrong: string,
])[] = [
  ['a misspelt event', 'host', "session.on('respond'", "session.on('responded'"],
  ['an event named error', 'host', "session.on('fail'", "session.on('error'"],
  ['a misspelt option', 'host', 'stage:', 'staging:'],
  ['a missing option', 'host', "stage: 'dev', ", ''],
  ['a misspelt field of an event', 'host', '{ durationMs }', '{ duration }'],
  ['a misspelt option of serve', 'host', 'functions:', 'handlers:'],
  ['a target that is none', 'host', "'./src/api.ts#handler'", '7'],
  ['a transport that is none', 'host', "iot({ region: 'eu-west-1' })", "'iot'"],
  ['a member that no event has', 'uses', 'event.id', 'event.number'],
]

/** Programs that do not compile, by what is wrong with them. */
export const WRONG: Readonly<Record<string, string>> = {
  'an export that is not there': `import { nothing } from 'lambda-tether'\n`,
  ...Object.fromEntries(
    MISTAKES.map(([name, program, correct, wrong]) => {
      const text = RIGHT[program]!
      if (!text.includes(correct)) throw new Error(`There is no ${correct} to be replaced.`)
      return [name, text.replaceAll(correct, wrong)]
    }),
  ),
}
