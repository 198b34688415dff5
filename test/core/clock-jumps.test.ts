import { describe, expect, it } from 'vitest'
import { SigningClock } from '../../src/aws/signing-clock.js'
import { Link } from '../../src/core/link/link.js'
import { Pacer } from '../../src/core/link/pacer.js'
import { NameClaim } from '../../src/core/naming/name-claim.js'
import { Presence } from '../../src/core/naming/presence.js'
import type { PresenceMessage } from '../../src/core/wire/protocol.js'
import { Reassembly } from '../../src/core/wire/reassembly.js'
import { Refusals } from '../../src/core/wire/refusal.js'
import { ReplayWindow } from '../../src/core/wire/replay-window.js'
import { WorkerPool } from '../../src/executors/pool/worker-pool.js'
import { TetherError, type Transport } from '../../src/index.js'
import { Addresses } from '../../src/transports/api-gateway/addresses.js'
import { ApiGatewayConnection } from '../../src/transports/api-gateway/connection.js'
import { type Post, type PostAnswer, Posts } from '../../src/transports/api-gateway/posts.js'
import { Relayed } from '../../src/transports/api-gateway/relayed.js'
import type { TextSocket } from '../../src/transports/api-gateway/socket.js'
import { memory } from '../../src/transports/memory.js'
import { taskFor } from '../executors/handler-project.js'
import { FaultyTransport } from '../support/faulty-transport.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

const HOUR_MS = 3_600_000
const STEP_MS = 10
const LONGEST_MS = 20_000
const SESSION = { app: 'shop', stage: 'dev', role: 'session', name: 'default' } as const
const STUB = { ...SESSION, role: 'stub', name: 'one' } as const
const NEVER = new Promise<never>(() => {})

/** How long somebody waits, in milliseconds, whatever the clock shows; `jump` is called before or while they do. */
type Wait = (clock: ManualClock, jump: () => void) => Promise<number>

/** How long it takes until `done`, or until `work` has settled; Infinity where that is too long. */
async function until(clock: ManualClock, done: Promise<unknown> | (() => boolean)): Promise<number> {
  let settled = false
  const over = () => {
    settled = true
  }
  if (typeof done !== 'function') void done.then(over, over)
  const from = clock.passed
  for (;;) {
    await settle()
    if (settled || (typeof done === 'function' && done())) return clock.passed - from
    if (clock.passed - from >= LONGEST_MS) return Number.POSITIVE_INFINITY
    await clock.advance(STEP_MS)
  }
}

/** Whatever time something takes that is there or is not. */
const atOnceIf = (there: boolean) => (there ? 0 : Number.POSITIVE_INFINITY)

const WAITS: Readonly<Record<string, readonly [expectedMs: number, Wait]>> = {
  'a frame for its turn (pacer)': [
    2_250,
    async (clock, jump) => {
      const pacer = new Pacer(clock, { frames: 10, counts: 'sent' })
      const turns = Array.from({ length: 20 }, () => pacer.take(100))
      const waited = clock.passed
      await clock.advance(150)
      jump()
      await until(clock, Promise.all(turns))
      return clock.passed - waited
    },
  ],
  'an answer for what others have sent (pacer, lanes)': [
    480,
    async (clock, jump) => {
      const pacer = new Pacer(clock, { frames: 100, counts: 'sent+received' })
      for (let i = 0; i < 200; i++) pacer.received(10)
      jump()
      return until(clock, () => pacer.headroom > 0)
    },
  ],
  'a link to reconnect, whose connection was up for long': [
    250,
    async (clock, jump) => {
      const transport = new FaultyTransport(memory())
      let refusing = true
      transport.admit = () => {
        if (refusing) throw new Error('refused')
      }
      const link = new Link({ transport, self: SESSION, clock, random: () => 1, onFrame() {} })
      link.start()
      await clock.advance(10_000)
      refusing = false
      await until(clock, () => link.connected)
      jump()
      await clock.advance(1_100)
      transport.cut('session')
      await settle()
      const waited = await until(clock, () => link.connected)
      await link.stop()
      return waited
    },
  ],
  'a link for the successor of a connection that will end': [
    5_000,
    async (clock, jump) => {
      const inner = memory()
      let connects = 0
      const transport: Transport = {
        ...inner,
        async connect(...parameters) {
          connects++
          return Object.assign(await inner.connect(...parameters), { expiresAt: clock.now() + 10_000 })
        },
      }
      const link = new Link({ transport, self: SESSION, clock, onFrame() {} })
      await link.open()
      await settle()
      jump()
      const waited = await until(clock, () => connects > 1)
      await link.stop()
      return waited
    },
  ],
  'the goodbye of a session (presence)': [
    600,
    async (clock, jump) => {
      const presence = new Presence({
        take: () => undefined,
        everyMs: 1_000,
        clock,
        identity: { session: 'one', epoch: 1 },
        seal: () => new Uint8Array(),
        keep: async () => {},
        onConfirmed() {},
        onReplayed() {},
      })
      presence.online()
      await clock.advance(400)
      jump()
      return until(clock, presence.close())
    },
  ],
  'presence that was dropped to be said again': [
    1_000,
    async (clock, jump) => {
      const said: PresenceMessage[] = []
      const presence = new Presence({
        take: () => undefined,
        everyMs: 1_000,
        clock,
        identity: { session: 'one', epoch: 1 },
        seal: (message) => {
          said.push(message)
          return new Uint8Array()
        },
        keep: async () => {},
        onConfirmed() {},
        onReplayed() {},
      })
      presence.online()
      await settle()
      jump()
      const waited = await until(clock, () => said.length > 1)
      presence.abandon()
      return waited
    },
  ],
  'open() for a session that is silent (name claim)': [
    1_500,
    async (clock, jump) => {
      const claim = nameClaim(clock)
      claim.hear({ type: 'claim', session: 'another', epoch: 1 })
      const held = claim.held()
      await settle()
      jump()
      return until(clock, held)
    },
  ],
  'stubs for a session that was outranked by a recording (name claim)': [
    1_500,
    async (clock, jump) => {
      const claim = nameClaim(clock)
      await claim.held()
      claim.hear({ type: 'claim', session: 'another', epoch: claim.epoch + 1 })
      await settle()
      jump()
      return until(clock, () => claim.mayServe(0))
    },
  ],
  'close() of an idle session': [
    1_000,
    async (clock, jump) => {
      await using tether = new Tether({ clock })
      const session = tether.session({ transport: slowlyKept(tether.transport) })
      await session.open()
      jump()
      return until(clock, session.close())
    },
  ],
  'open() after another session': [
    0,
    async (clock, jump) => {
      await using tether = new Tether({ clock })
      const older = tether.session()
      await older.open()
      jump()
      const newer = tether.session()
      const waited = await until(clock, newer.open())
      await settle()
      return waited + atOnceIf(older.status.state === 'closed' && newer.status.state === 'connected')
    },
  ],
  'a caller whose invocation was lost on the way': [
    300,
    async (clock, jump) => {
      await using tether = new Tether({ clock })
      const session = tether.session().on('invoke', (invocation) => invocation.respond('answer'))
      await session.open()
      const stub = tether.stub()
      await stub({}, stubContext())
      tether.transport.filter = () => {
        tether.transport.filter = ({ frame }) => [frame]
        return []
      }
      const waited = clock.passed
      const call = stub({}, stubContext({ remainingMs: 2 * HOUR_MS }))
      await clock.advance(100)
      jump()
      await until(clock, call)
      return clock.passed - waited
    },
  ],
  'a message of which half has arrived (reassembly)': [
    0,
    async (clock, jump) => {
      const reassembly = new Reassembly(clock)
      const part = (index: number) => ({ index, count: 2, totalBytes: 2 }) as never
      reassembly.add('one', part(0), Buffer.alloc(1))
      await clock.advance(10_000)
      jump()
      return atOnceIf(reassembly.add('one', part(1), Buffer.alloc(1)) !== undefined)
    },
  ],
  'a message that another has overtaken (replay window)': [
    0,
    async (clock, jump) => {
      const window = new ReplayWindow(clock, 60_000)
      window.add('sender', 0)
      await clock.advance(30_000)
      window.add('sender', 2)
      jump()
      return atOnceIf(!window.seen('sender', 1) && window.seen('sender', 2) && window.seen('sender', 0))
    },
  ],
  'a stub for the words of a refusal, after many': [
    1_000,
    async (clock, jump) => {
      let sent = 0
      const send = async () => void sent++
      const refusals = new Refusals({ keys: { ids: [] }, clock, send })
      const wasSent = () => {
        const before = sent
        refusals.refuse('key', { ...SESSION, role: 'stub' })
        return sent > before
      }
      while (wasSent());
      jump()
      return until(clock, wasSent)
    },
  ],
  'posts that rest because API Gateway was silent': [
    10_000,
    async (clock, jump) => {
      const silent = (signal: AbortSignal) =>
        new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      const posts = managementApi(clock, silent)
      await until(clock, posts.post('id', 'text', undefined))
      expect(posts.able).toBe(false)
      jump()
      return until(clock, () => posts.able)
    },
  ],
  'a post that is throttled': [
    1_550,
    async (clock, jump) => {
      const posts = managementApi(clock, async () => ({ statusCode: 429 }))
      const post = posts.post('id', 'text', undefined)
      const waited = clock.passed
      await clock.advance(200)
      jump()
      await until(clock, post)
      return clock.passed - waited
    },
  ],
  'a frame for a peer that is absent (relay)': [
    1_050,
    async (clock, jump) => {
      const relayed: Relayed = new Relayed({ clock, write: () => setImmediate(() => relayed.absent(1)) })
      const sending = relayed.send(SESSION, 'frame', {})
      sending.catch(() => {})
      await settle()
      const waited = clock.passed
      await clock.advance(200)
      jump()
      await until(clock, sending)
      return clock.passed - waited
    },
  ],
  'a stub that asks the relay after its session was silent': [
    500,
    async (clock, jump) => {
      const posts = managementApi(clock, async () => ({ statusCode: 200 }))
      const parts = {
        self: STUB,
        handlers: { onFrame() {} },
        watched: [],
        posts,
        addresses: new Addresses(),
        clock,
      }
      const connection = new ApiGatewayConnection({ ...parts, label: 'api', expiresAt: 0 })
      const written: string[] = []
      connection.begin({
        open: true,
        send: (text: string) => written.push(text),
        ended: NEVER,
      } as never as TextSocket)
      const first = connection.send(SESSION, Buffer.from('first'))
      await settle()
      connection.receive(`t 1 own= session ${Buffer.from('default').toString('base64url')} theirs=`)
      await first
      await connection.send(SESSION, Buffer.from('posted'))
      expect(written).toHaveLength(1)
      jump()
      return until(clock, () => {
        connection.send(SESSION, Buffer.from('again')).catch(() => {})
        return written.length > 1
      })
    },
  ],
  'local code that hangs (worker pool)': [
    3_000,
    async (clock, jump) => {
      const pool = poolOf(clock, () => NEVER)
      const outcome = pool.execute(taskFor('/code/api.mjs', {}, { deadline: clock.now() + 3_000 }))
      await settle()
      jump()
      return until(clock, outcome)
    },
  ],
  'an idle worker for its end (worker pool)': [
    1_000,
    async (clock, jump) => {
      const pool = poolOf(clock, async () => ({ kind: 'value', body: Buffer.from('1') }))
      await pool.execute(taskFor('/code/api.mjs', {}, { deadline: clock.now() + 3_000 }))
      jump()
      return until(clock, () => (pool.stats().api?.workers ?? 0) === 0)
    },
  ],
}

describe('a clock that is set', () => {
  describe.each(Object.entries(WAITS))('prolongs no wait: %s', (_name, [expectedMs, wait]) => {
    it('as long as it should without', async () => {
      const waited = await wait(new ManualClock(), () => {})
      expect(waited).toBeGreaterThanOrEqual(expectedMs - STEP_MS)
      expect(waited).toBeLessThanOrEqual(1.2 * expectedMs + STEP_MS)
    })

    it.each([-HOUR_MS, HOUR_MS])('by %i ms', async (byMs) => {
      const clock = new ManualClock()
      const without = await wait(new ManualClock(), () => {})
      expect(await wait(clock, () => clock.set(byMs))).toBeLessThanOrEqual(without)
    })
  })

  it.each([-HOUR_MS, HOUR_MS])('by %i ms has AWS refuse one signature', async (byMs) => {
    const clock = new ManualClock()
    const aws = new ManualClock(clock.now())
    const signing = new SigningClock(clock)
    let attempts = 0
    const attempt = () =>
      signing.attempt(async () => {
        attempts++
        if (Math.abs(signing.now() - aws.now()) < 300_000) return
        const date = new Date(aws.now()).toUTCString()
        throw new TetherError('UNREACHABLE', 'refused', { details: { statusCode: 403, date } })
      })
    await attempt()
    clock.set(byMs)
    await attempt()
    await attempt()
    expect(attempts).toBe(4)
  })
})

function nameClaim(clock: ManualClock): NameClaim {
  return new NameClaim({
    session: 'one',
    clock,
    keeps: true,
    send() {},
    onRaised() {},
    onEcho() {},
    onDisplaced() {},
  })
}

/** A transport whose broker takes what it keeps once a second, as AWS IoT does. */
function slowlyKept(transport: Transport): Transport {
  const { name, limits } = transport
  return { name, limits, keeps: { everyMs: 1_000 }, connect: (...all) => transport.connect(...all) }
}

function managementApi(clock: ManualClock, answer: (signal: AbortSignal) => Promise<PostAnswer>): Posts {
  const poster = { post: ({ signal }: Post) => answer(signal), async close() {} }
  return new Posts({
    poster,
    clock,
    signing: new SigningClock(clock),
    random: () => 1,
  })
}

function poolOf(
  clock: ManualClock,
  run: () => Promise<never> | Promise<{ kind: 'value'; body: Uint8Array }>,
): WorkerPool {
  const start = () => {
    const worker = {
      usable: true,
      run,
      async stop() {
        worker.usable = false
      },
    }
    return worker
  }
  return new WorkerPool({ start, maxWorkers: Infinity, idleMs: 1_000, clock })
}
