// What a session does with an invocation, in every state, whatever happens: the type of the message that it answers with (an
// error by its own type), where the invocation stands then, and whether its stub is still owed an answer, which is what
// close() waits for. This is the specification of src/core/session/rules.ts; a state or an event that is not in it fails the
// first test.
import type { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { deferred } from '../../src/core/base/deferred.js'
import { SessionPayloads } from '../../src/core/payload/session-payloads.js'
import { storeFailure } from '../../src/core/payload/store-failure.js'
import { sealBody } from '../../src/core/payload/stored-body.js'
import { Dispatcher } from '../../src/core/session/dispatcher.js'
import { SessionEmitter } from '../../src/core/session/emitter.js'
import { Received } from '../../src/core/session/harness/received.js'
import { Waiters } from '../../src/core/session/harness/waiters.js'
import { Invocation } from '../../src/core/session/invocation.js'
import { RULES, STATES } from '../../src/core/session/rules.js'
import { packBody } from '../../src/core/wire/compress.js'
import { Counters } from '../../src/core/wire/counters.js'
import type { InvokeMessage, StubMessage } from '../../src/core/wire/protocol.js'
import type { PayloadStore } from '../../src/index.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'

const TABLE = `
| state      | event                               | answered with | becomes    | owed |
|------------|-------------------------------------|---------------|------------|------|
| unknown    | part                                | ack           | arriving   | yes  |
| unknown    | invoke                              |               | running    | yes  |
| unknown    | invoke, perhaps a recording         | challenge     | challenged |      |
| unknown    | invoke, its variables not known     | need          | unknown    |      |
| unknown    | invoke, its event in the store      | ack           | fetching   | yes  |
| unknown    | invoke, of a function not served    | decline       | answered   |      |
| unknown    | ask                                 | unknown       | unknown    |      |
| unknown    | ask, where parts of it are here     | missing       | unknown    |      |
| unknown    | credit                              | unknown       | unknown    |      |
| unknown    | cancel                              |               | over       |      |
| unknown    | settled                             |               | unknown    |      |
| unknown    | deadline                            |               | unknown    |      |
| unknown    | outcome                             |               | unknown    |      |
| unknown    | close                               |               | unknown    |      |
| unknown    | abandon                             |               | unknown    |      |
| unknown    | signal                              |               | unknown    |      |
|            |                                     |               |            |      |
| arriving   | part                                |               | arriving   | yes  |
| arriving   | invoke                              |               | running    | yes  |
| arriving   | invoke, perhaps a recording         | challenge     | challenged |      |
| arriving   | invoke, its variables not known     | need          | arriving   | yes  |
| arriving   | invoke, its event in the store      | ack           | fetching   | yes  |
| arriving   | invoke, of a function not served    | decline       | answered   |      |
| arriving   | ask                                 | ack           | arriving   | yes  |
| arriving   | ask, a second after its latest part | unknown       | arriving   | yes  |
| arriving   | ask, where parts of it are here     | missing       | arriving   | yes  |
| arriving   | credit                              | ack           | arriving   | yes  |
| arriving   | cancel                              |               | over       |      |
| arriving   | settled                             |               | arriving   | yes  |
| arriving   | deadline                            |               | unknown    |      |
| arriving   | outcome                             |               | arriving   | yes  |
| arriving   | close                               | CLOSED        | answered   |      |
| arriving   | abandon                             |               | over       |      |
| arriving   | signal                              | CLOSED        | answered   |      |
|            |                                     |               |            |      |
| challenged | part                                |               | challenged |      |
| challenged | invoke                              |               | running    | yes  |
| challenged | invoke, perhaps a recording         | challenge     | challenged |      |
| challenged | invoke, its variables not known     | need          | unknown    |      |
| challenged | invoke, its event in the store      | ack           | fetching   | yes  |
| challenged | invoke, of a function not served    | decline       | answered   |      |
| challenged | ask                                 |               | running    | yes  |
| challenged | ask, perhaps a recording            | challenge     | challenged |      |
| challenged | credit                              |               | challenged |      |
| challenged | cancel                              |               | over       |      |
| challenged | settled                             |               | challenged |      |
| challenged | deadline                            |               | unknown    |      |
| challenged | outcome                             |               | challenged |      |
| challenged | close                               | decline       | answered   |      |
| challenged | close, where it is mirrored         |               | over       |      |
| challenged | abandon                             |               | over       |      |
| challenged | signal                              | decline       | answered   |      |
|            |                                     |               |            |      |
| fetching   | part                                |               | fetching   | yes  |
| fetching   | invoke                              | ack           | fetching   | yes  |
| fetching   | ask                                 | ack           | fetching   | yes  |
| fetching   | credit                              | ack           | fetching   | yes  |
| fetching   | cancel                              |               | over       |      |
| fetching   | settled                             |               | fetching   | yes  |
| fetching   | deadline                            |               | over       |      |
| fetching   | outcome: the event                  |               | running    | yes  |
| fetching   | outcome: it is not there            | unknown       | arriving   | yes  |
| fetching   | outcome: it is not there again      | STORE_FAILED  | answered   |      |
| fetching   | outcome: it cannot be read          | STORE_FAILED  | answered   |      |
| fetching   | close                               |               | fetching   | yes  |
| fetching   | abandon                             |               | over       |      |
| fetching   | signal                              | CLOSED        | answered   |      |
|            |                                     |               |            |      |
| running    | part                                |               | running    | yes  |
| running    | invoke                              | ack           | running    | yes  |
| running    | ask                                 | ack           | running    | yes  |
| running    | ask, where it is mirrored           |               | running    | yes  |
| running    | credit                              | ack           | running    | yes  |
| running    | cancel                              |               | over       |      |
| running    | settled                             |               | running    | yes  |
| running    | deadline                            |               | over       |      |
| running    | outcome                             | result        | answered   |      |
| running    | outcome: an error                   | Error         | answered   |      |
| running    | close                               |               | running    | yes  |
| running    | abandon                             |               | over       |      |
| running    | signal                              | CLOSED        | answered   |      |
|            |                                     |               |            |      |
| streaming  | part                                |               | streaming  | yes  |
| streaming  | invoke                              | chunk again   | streaming  | yes  |
| streaming  | ask                                 | chunk again   | streaming  | yes  |
| streaming  | credit                              |               | streaming  | yes  |
| streaming  | credit: is it there?                | ack           | streaming  | yes  |
| streaming  | credit: a chunk is lost             | chunk again   | streaming  | yes  |
| streaming  | cancel                              |               | over       |      |
| streaming  | settled                             |               | streaming  | yes  |
| streaming  | deadline                            |               | over       |      |
| streaming  | outcome: another                    |               | streaming  | yes  |
| streaming  | outcome: its end                    | end           | answered   |      |
| streaming  | outcome: an error                   | end: Error    | answered   |      |
| streaming  | close                               |               | streaming  | yes  |
| streaming  | abandon                             |               | over       |      |
| streaming  | signal                              | CLOSED        | answered   |      |
|            |                                     |               |            |      |
| answered   | part                                |               | answered   |      |
| answered   | invoke                              | result        | answered   |      |
| answered   | ask                                 | result        | answered   |      |
| answered   | credit                              | result        | answered   |      |
| answered   | credit, of a stream: its end is lost | end           | answered   |      |
| answered   | settled, of a stream                |               | over       |      |
| answered   | cancel                              |               | over       |      |
| answered   | settled                             |               | over       |      |
| answered   | deadline                            |               | over       |      |
| answered   | outcome                             |               | answered   |      |
| answered   | close                               |               | answered   |      |
| answered   | abandon                             |               | answered   |      |
| answered   | signal                              |               | answered   |      |
|            |                                     |               |            |      |
| over       | part                                |               | over       |      |
| over       | invoke                              |               | over       |      |
| over       | ask                                 |               | over       |      |
| over       | credit                              |               | over       |      |
| over       | cancel                              |               | over       |      |
| over       | settled                             |               | over       |      |
| over       | deadline                            |               | over       |      |
| over       | outcome                             |               | over       |      |
| over       | close                               |               | over       |      |
| over       | abandon                             |               | over       |      |
| over       | signal                              |               | over       |      |
`

/** While it closes, a session is silent on what it does not know: its successor may be there to take it. */
const WHILE_CLOSING = `
| unknown    | part                                |               | unknown    |      |
| unknown    | invoke                              |               | unknown    |      |
| unknown    | ask                                 |               | unknown    |      |
| unknown    | cancel                              |               | unknown    |      |
| unknown    | settled                             |               | unknown    |      |
`

const ROWS = rowsOf(TABLE)
const ID = 'invocation'
const STUB = 'environment'
const SESSION = 'session'
const FROM_STUBS = ['part', 'invoke', 'ask', 'credit', 'cancel', 'settled']
const OBJECT = sealBody(packBody(Buffer.from('"event"')))

describe('the table of records', () => {
  it('has every state with everything that can happen', () => {
    const events = [...Object.keys(RULES), 'outcome']
    const pairs = STATES.flatMap((state) => events.map((event) => `${state} ${event}`))
    expect([...new Set(ROWS.map(({ state, event }) => `${state} ${wordOf(event)}`))].sort()).toEqual(
      pairs.sort(),
    )
  })

  it.each(ROWS)('$state, on $event', async ({ state, event, answer, next, owed }) => {
    const subject = new Subject(event)
    await subject.comesInto(state)
    await subject.has(event)
    expect(subject.seen()).toEqual({ answer, next, owed })
  })

  it.each(rowsOf(WHILE_CLOSING))('$state while closing, on $event', async ({ event, answer, next, owed }) => {
    const subject = new Subject(event)
    await subject.has('close')
    await subject.has(event)
    expect(subject.seen()).toEqual({ answer, next, owed })
  })

  it.each(ROWS.filter(({ state, event }) => state !== 'unknown' && FROM_STUBS.includes(wordOf(event))))(
    '$state, on $event of another stub: nothing',
    async ({ state, event }) => {
      const subject = new Subject(event)
      await subject.comesInto(state)
      await subject.has(event, 'another stub')
      expect(subject.seen()).toMatchObject({ answer: '', next: state })
    },
  )
})

/** A session's dispatcher and one invocation, which is brought into a state before something happens to it. */
class Subject {
  readonly #clock = new ManualClock()
  readonly #said: string[] = []
  #nonce: string | undefined
  readonly #event: string
  readonly #read = deferred<Uint8Array | Error>()
  readonly #payloads: SessionPayloads
  readonly #dispatcher: Dispatcher
  #invocation: Invocation | undefined
  #stream: Writable | undefined

  constructor(event: string) {
    this.#event = event
    const emitter = new SessionEmitter(this.#clock)
    emitter.on('invoke', (invocation: Invocation) => {
      this.#invocation = invocation
      if (!event.includes('not served')) return invocation.ack()
    })
    const counters = new Counters()
    const store: Partial<PayloadStore> = {
      presignPut: async () => ({ url: '', headers: {} }),
      delete: async () => {},
      get: async () => {
        const read = await this.#read.promise
        if (read instanceof Error) throw read
        return read
      },
    }
    this.#payloads = new SessionPayloads({
      store: store as PayloadStore,
      app: 'shop',
      stage: 'dev',
      inlineBytes: 10_000,
      counters,
      onFailure() {},
    })
    this.#dispatcher = new Dispatcher({
      named: false,
      name: 'default',
      identity: { session: SESSION, epoch: 1 },
      clock: this.#clock,
      counters,
      emitter,
      waiters: new Waiters(this.#clock),
      received: new Received(),
      payloads: this.#payloads,
      maxKeptBytes: 1_000,
      functions: () =>
        event.includes('not served')
          ? ({ find: () => undefined, declined: () => ({ reason: 'it is not served', served: [] }) } as never)
          : undefined,
      missing: () => (event.includes('are here') ? [1] : undefined),
      mayServe: () => true,
      covers: () => true,
      proven: () => true,
      prove() {},
      discard() {},
      send: async (_to, message) => {
        const { type } = message
        const error = type === 'error' ? message.error.errorType : undefined
        if (type === 'challenge') this.#nonce = message.nonce
        const how = type === 'end' && message.error !== undefined ? `end: ${message.error.errorType}` : type
        this.#said.push(error?.replace(/^LambdaTether\./, '') ?? how)
        const resend = async () => void this.#said.push(`${type} again`)
        return { reference: 'sent', count: 1, bytes: 1, resend }
      },
    })
  }

  /** What was said since it came into its state, where it stands now, and whether its stub is owed an answer. */
  seen() {
    const { records } = this.#dispatcher.desk
    const next = records.get(ID)?.state ?? 'unknown'
    return { answer: this.#said.join(', '), next, owed: records.idle ? '' : 'yes' }
  }

  async comesInto(state: string): Promise<void> {
    if (state === 'arriving') await this.has('part')
    if (state === 'challenged') await this.has('invoke, perhaps a recording')
    if (state === 'fetching') await this.has('invoke, its event in the store')
    if (['running', 'streaming', 'answered', 'over'].includes(state)) await this.has('invoke')
    // Its acknowledgement.
    if (state === 'running') await this.#clock.advance(25)
    if (state === 'streaming') await this.#begins()
    if (state === 'answered') {
      if (this.#event.includes('of a stream')) (await this.#begins()).end()
      else await this.#invocation!.respond('response')
      await settle()
    }
    if (state === 'over') await this.has('cancel')
    expect(this.seen().next).toBe(state)
    this.#said.splice(0)
  }

  /** Its first bytes are written, and leave. */
  async #begins(): Promise<Writable> {
    this.#stream = this.#invocation!.respondStream()
    this.#stream.write('bytes')
    await settle()
    return this.#stream
  }

  /** Lets an event of the table happen. */
  async has(event: string, from = STUB): Promise<void> {
    const { records } = this.#dispatcher.desk
    const record = records.get(ID)
    switch (wordOf(event)) {
      case 'part':
        this.#dispatcher.part(ID, from)
        break
      case 'deadline':
        // Of what has none, nothing is over for long.
        await this.#clock.advance(
          record !== undefined && 'deadline' in record ? record.deadline - this.#clock.now() : 1_000,
        )
        break
      case 'outcome':
        await this.#outcome(event)
        break
      case 'close':
        void this.#dispatcher.close()
        break
      case 'abandon':
        this.#dispatcher.abandon()
        break
      case 'signal':
        this.#dispatcher.stop()
        break
      default:
        if (event.includes('a second after') || event.includes('are here')) await this.#clock.advance(1_000)
        this.#dispatcher.receive(await this.#message(event), from, 0)
    }
    await settle()
  }

  async #outcome(event: string): Promise<void> {
    if (event.includes('there')) return this.#read.resolve(storeFailure('get', 'object-missing'))
    if (event.includes('cannot be read')) return this.#read.resolve(storeFailure('get', 'unreachable'))
    if (event.includes('the event')) return this.#read.resolve(OBJECT.object)
    if (event.includes('its end')) return void this.#stream!.end()
    const invocation = this.#invocation ?? this.#stray()
    const outcome = event.includes('error')
      ? invocation.fail(new Error('local'))
      : invocation.respond('response')
    await outcome.catch(() => {})
  }

  /** Another's that has this one's id. */
  #stray(): Invocation {
    const environment = { fingerprint: '', remote: {}, local: {} }
    const message = this.#invoke({})
    const arrival = { id: ID, from: STUB, message, environment, arrivedAt: 0 }
    return new Invocation(arrival, new Uint8Array(), false, this.#dispatcher.desk)
  }

  async #message(event: string): Promise<StubMessage> {
    const sent = { id: ID, settled: [], epoch: 0 }
    const bound = event.includes('recording') ? {} : { boundTo: SESSION }
    const answers = this.#nonce !== undefined && !event.includes('recording') && { nonce: this.#nonce }
    if (event.startsWith('ask')) return { type: 'ask', sent: `${STUB}:0`, ...bound, ...answers, ...sent }
    if (event === 'cancel') return { type: 'cancel', code: 'DEADLINE', reason: 'it is late', ...sent }
    if (event.startsWith('credit')) {
      const from = event.includes('end') || event.includes('there') ? { from: 1 } : {}
      const missing = event.includes('chunk') ? { missing: [0] } : {}
      return { type: 'credit', through: 0, ...missing, ...from, ...sent }
    }
    if (event.startsWith('settled'))
      return { type: 'cancel', code: '', reason: '', ...sent, id: 'another', settled: [ID] }
    const copy = this.#event.includes('mirrored') && ({ mirrored: 'event' } as const)
    const unknown = event.includes('not known') && { envFingerprint: 'unknown', env: undefined }
    if (!event.includes('in the store')) return this.#invoke({ ...bound, ...unknown, ...copy, streams: true })
    const { secret, object } = OBJECT
    const { key } = (await this.#payloads.presignEvent(object.length))!
    const before = this.#event.includes('again') && { ackedBy: SESSION }
    return this.#invoke({
      ...bound,
      ...before,
      event: undefined,
      stored: { key, secret, bytes: object.length },
    })
  }

  #invoke(fields: { [F in keyof InvokeMessage]?: InvokeMessage[F] | undefined }): InvokeMessage {
    return {
      type: 'invoke',
      id: ID,
      functionId: 'api',
      context: stubContext() as unknown as InvokeMessage['context'],
      remainingMs: 30_000,
      ageMs: 0,
      sentAt: this.#clock.now(),
      envFingerprint: 'fingerprint',
      env: Buffer.from('{}'),
      event: Buffer.from('"event"'),
      settled: [],
      epoch: 0,
      ...fields,
    } as InvokeMessage
  }
}

interface Row {
  readonly state: string
  readonly event: string
  readonly answer: string
  readonly next: string
  readonly owed: string
}

function rowsOf(table: string): Row[] {
  const cells = table.split('\n').map((line) => line.split('|').map((cell) => cell.trim()))
  return cells.flatMap(([, state = '', event = '', answer = '', next = '', owed = '']) =>
    state === '' || state === 'state' || state.startsWith('-') ? [] : [{ state, event, answer, next, owed }],
  )
}

/** The event of a row, without its circumstances. */
function wordOf(event: string): string {
  return /^\w+/.exec(event)![0]
}
