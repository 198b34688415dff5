import { describe, expect, it } from 'vitest'
import { Dispatcher } from '../../src/core/session/dispatcher.js'
import { SessionEmitter } from '../../src/core/session/emitter.js'
import { Received } from '../../src/core/session/harness/received.js'
import { Waiters } from '../../src/core/session/harness/waiters.js'
import { Counters } from '../../src/core/wire/counters.js'
import type { AskMessage, InvokeMessage, SessionMessage, StubMessage } from '../../src/core/wire/protocol.js'
import { ReplayWindow } from '../../src/core/wire/replay-window.js'
import type { Invocation } from '../../src/index.js'
import { payloadsWithoutStore } from '../support/payloads.js'
import { Chance, SteppedClock } from '../support/simulation.js'

/** A part of the rule that is left out, to see whether it is needed. */
type Mutant = 'it forgets without noting it' | 'an ask needs no nonce' | 'an answer sets no floor'

const STUBS = 8
/** In place of 10,000. */
const REMEMBERED_STUBS = 3
const STEPS = 4_000
const SEEDS = [1, 2, 3, 4]
const DEADLINE_MS = 20_000
const VARIABLES = Buffer.from('{}')

/** A message as its frames carry it. */
interface Sent {
  readonly from: string
  readonly number: number
  readonly message: StubMessage
}

/** An execution environment, by the protocol. */
class Stub {
  readonly name: string
  readonly waiting = new Map<string, number>()
  readonly #clock: SteppedClock
  readonly #skewMs: number
  readonly #send: (sent: Sent) => void
  #number = 0
  #ids = 0
  #heard: string | undefined
  #settled: string[] = []

  constructor(name: string, clock: SteppedClock, skewMs: number, send: (sent: Sent) => void) {
    this.name = name
    this.#clock = clock
    this.#skewMs = skewMs
    this.#send = send
  }

  begin(): void {
    const id = `${this.name}, invocation ${this.#ids++}`
    this.waiting.set(id, this.#clock.now() + DEADLINE_MS)
    this.#invoke(id)
  }

  ask(id: string, nonce?: string): void {
    this.#leave({ type: 'ask', id, ...(nonce !== undefined && { nonce }), ...this.#common() })
  }

  hear(message: SessionMessage): void {
    const { type, id, session } = message
    this.#heard = session
    this.giveUp()
    if (!this.waiting.has(id)) return
    if (type === 'challenge') this.ask(id, message.nonce)
    if (type === 'unknown') this.#invoke(id)
    if (type !== 'result') return
    this.waiting.delete(id)
    this.#settled.push(id)
  }

  giveUp(): void {
    for (const [id, deadline] of this.waiting) if (deadline <= this.#clock.now()) this.waiting.delete(id)
  }

  #invoke(id: string): void {
    this.#leave({
      type: 'invoke',
      id,
      functionId: 'api',
      context: {} as InvokeMessage['context'],
      remainingMs: this.waiting.get(id)! - this.#clock.now(),
      ageMs: 0,
      sentAt: this.#clock.now() + this.#skewMs,
      envFingerprint: 'one',
      env: VARIABLES,
      event: VARIABLES,
      ...this.#common(),
    })
  }

  #common() {
    return { ...(this.#heard !== undefined && { boundTo: this.#heard }), settled: this.#settled, epoch: 0 }
  }

  #leave(message: StubMessage): void {
    this.#settled = []
    this.#send({ from: this.name, number: this.#number++, message })
  }
}

/** Stubs, a session that is restarted now and then, a network without order, and somebody who records all of it. */
class World {
  readonly clock = new SteppedClock()
  readonly counts = { runs: 0, replays: 0, challenges: 0, released: 0 }
  /** Recordings that ran again. */
  readonly wins: string[] = []
  readonly #chance: Chance
  readonly #mutant: Mutant | undefined
  readonly #stubs: Stub[]
  readonly #toSession: Sent[] = []
  readonly #toStubs: { readonly to: string; readonly message: SessionMessage }[] = []
  readonly #recorded: Sent[] = []
  readonly #recordedOf = new Map<string, Sent[]>()
  /** What has run, and in which session it did so last. */
  readonly #ran = new Map<string, string>()
  readonly #recordedRuns: Sent[] = []
  #sessions = 0
  #session!: { readonly id: string; readonly window: ReplayWindow; readonly dispatcher: Dispatcher }

  constructor(seed: number, mutant: Mutant | undefined) {
    this.#chance = new Chance(seed)
    this.#mutant = mutant
    this.#stubs = Array.from({ length: STUBS }, (_, i) => {
      const skewMs = this.#chance.below(40_000) - 20_000
      return new Stub(`stub ${i}`, this.clock, skewMs, (sent) => {
        this.#recorded.push(sent)
        this.#recordedOf.set(sent.message.id, [...(this.#recordedOf.get(sent.message.id) ?? []), sent])
        this.#toSession.push(sent)
        if (this.#chance.of(0.1)) this.#toSession.push(sent)
      })
    })
    this.#open()
  }

  async run(): Promise<this> {
    for (let step = 0; step < STEPS && this.wins.length === 0; step++) {
      const stub = this.#chance.pick(this.#stubs)
      stub.giveUp()
      if (stub.waiting.size < 2 && this.#chance.of(0.25)) stub.begin()
      else if (stub.waiting.size > 0 && this.#chance.of(0.2))
        stub.ask(this.#chance.pick([...stub.waiting.keys()]))
      this.#deliver()
      if (this.#chance.of(0.3)) this.#replay()
      if (this.#chance.of(0.001)) this.#open()
      await this.clock.advance(
        this.#chance.of(0.02) ? 100_000 : this.#chance.below(this.#chance.pick([20, 20, 20, 3_000])),
      )
    }
    return this
  }

  #deliver(): void {
    for (let i = 0; i < 2; i++) {
      const sent = this.#chance.take(this.#toSession)
      if (sent !== undefined && !this.#chance.of(0.2)) this.#receive(sent)
      const heard = this.#chance.take(this.#toStubs)
      if (heard === undefined || this.#chance.of(0.2)) continue
      this.#stubs.find(({ name }) => name === heard.to)!.hear(heard.message)
    }
  }

  #replay(): void {
    const list = this.#recordedRuns.length > 0 && this.#chance.of(0.6) ? this.#recordedRuns : this.#recorded
    if (list.length === 0) return
    this.counts.replays++
    const sent = this.#chance.pick(list)
    this.#receive(sent)
    // Whatever the stub said of the same invocation is worth a try.
    if (this.#chance.of(0.5)) this.#receive(this.#chance.pick(this.#recordedOf.get(sent.message.id)!))
  }

  /** As a channel does it. */
  #receive({ from, number, message }: Sent): void {
    const { window, dispatcher } = this.#session
    if (window.seen(from, number)) return
    window.add(from, number)
    if (message.type === 'ask' && message.nonce !== undefined) this.counts.released++
    dispatcher.receive(message.type === 'ask' ? this.#asked(message) : message, from, number)
  }

  #asked(message: AskMessage): AskMessage {
    const record = this.#session.dispatcher.desk.records.get(message.id)
    if (this.#mutant !== 'an ask needs no nonce' || record?.state !== 'challenged') return message
    return message.boundTo === this.#session.id ? { ...message, nonce: record.nonce } : message
  }

  #open(): void {
    const id = `session ${this.#sessions++}`
    const { clock } = this
    const mutant = this.#mutant
    const window = new ReplayWindow(clock, 60_000, REMEMBERED_STUBS)
    const emitter = new SessionEmitter(clock)
    emitter.on('invoke', (invocation: Invocation) => {
      this.#onRun(id, invocation.id)
      return invocation.respond('ran')
    })
    const counters = new Counters()
    const dispatcher = new Dispatcher({
      named: false,
      name: 'default',
      clock,
      counters,
      emitter,
      identity: { session: id, epoch: 0 },
      mayServe: () => true,
      maxKeptBytes: 1_000_000,
      payloads: payloadsWithoutStore(counters),
      waiters: new Waiters(clock),
      received: new Received(),
      functions: () => undefined,
      missing: () => undefined,
      covers: () => true,
      discard() {},
      proven: (from) => mutant === 'it forgets without noting it' || window.proven(from),
      prove: (from, number) => window.prove(from, mutant === 'an answer sets no floor' ? 0 : number),
      send: async (to, message) => {
        if (message.type === 'challenge') this.counts.challenges++
        this.#toStubs.push({ to, message: message as SessionMessage })
        return undefined as never
      },
    })
    dispatcher.opened()
    dispatcher.connected()
    this.#session = { id, window, dispatcher }
  }

  #onRun(session: string, id: string): void {
    this.counts.runs++
    const before = this.#ran.get(id)
    const isAwaited = this.#stubs.some(({ waiting }) => waiting.has(id))
    // A stub that waits has a restarted session run it anew; nobody else may.
    if (before !== undefined && (before === session || !isAwaited)) this.wins.push(id)
    if (before === undefined)
      this.#recordedRuns.push(...this.#recordedOf.get(id)!.filter(({ message }) => message.type === 'invoke'))
    this.#ran.set(id, session)
  }
}

/** What came of all seeds, each until somebody wins. */
async function simulate(mutant?: Mutant) {
  const total = { runs: 0, replays: 0, challenges: 0, released: 0, wins: 0 }
  for (const seed of SEEDS) {
    const { counts, wins } = await new World(seed, mutant).run()
    for (const name of ['runs', 'replays', 'challenges', 'released'] as const) total[name] += counts[name]
    total.wins += wins.length
    if (total.wins > 0) break
  }
  return total
}

describe('an attacker that records and replays every frame, in a simulation', () => {
  it('never makes an invocation run twice', async () => {
    const { wins, runs, replays, challenges, released } = await simulate()
    expect(wins).toBe(0)
    // It was tried, and what is genuine got through.
    for (const count of [runs, replays, challenges, released]) expect(count).toBeGreaterThan(500)
  })

  it.each<Mutant>(['it forgets without noting it', 'an ask needs no nonce', 'an answer sets no floor'])(
    'succeeds where %s',
    async (mutant) => {
      expect((await simulate(mutant)).wins).toBeGreaterThan(0)
    },
  )
})
