import { describe, expect, it } from 'vitest'
import { SessionWatch } from '../../src/core/naming/session-watch.js'
import { type Session, TetherError, type Transport } from '../../src/index.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

/** An environment whose broker refuses it for as long as `refuses` is true, and a handler that answers by itself meanwhile. */
function refusedStub(tether: Tether) {
  const state = { refuses: true, attempts: 0 }
  tether.transport.admit = ({ role }) => {
    if (role !== 'stub') return
    state.attempts++
    if (!state.refuses) return
    throw new TetherError('UNREACHABLE', 'not authorized', { details: { refused: true } })
  }
  const stub = tether.stub({ passthrough: async () => 'cloud' })
  const invoke = async () => {
    let answer: unknown = 'waiting'
    stub({}, stubContext()).then(
      (value) => {
        answer = value
      },
      (error) => {
        answer = error
      },
    )
    await settle()
    return answer
  }
  return { state, stub, invoke }
}

/** Opens a session that answers `local`. */
function answering(tether: Tether): Promise<Session> {
  return tether
    .session()
    .on('invoke', (invocation) => invocation.respond('local'))
    .open()
}

it('runs its own code at once after the second refusal in a row, and asks in the background', async () => {
  const clock = new ManualClock()
  await using tether = new Tether({ clock })
  await answering(tether)
  const { state, invoke } = refusedStub(tether)
  // The link tries again at once, which takes no time here.
  expect(await invoke()).toBe('cloud')
  expect(state.attempts).toBe(2)
  for (let second = 0; second < 120; second++) {
    await clock.advance(1_000)
    expect(await invoke()).toBe('cloud')
  }
  // Invocations do not make the attempts more frequent than the back-off has them.
  expect(state.attempts).toBeGreaterThan(12)
  expect(state.attempts).toBeLessThan(40)
  state.refuses = false
  await clock.advance(10_000)
  expect(await invoke()).toBe('local')
})

/** An environment whose broker ends its connections at whatever it sends, for as long as `cuts` is true. */
function cutStub(tether: Tether, clock: ManualClock) {
  const state = { cuts: true, sent: 0 }
  const { transport } = tether
  const cutting: Transport = {
    name: transport.name,
    limits: transport.limits,
    keeps: transport.keeps,
    async connect(self, handlers, options) {
      const connection = await transport.connect(self, handlers, options)
      let end: (error: TetherError) => void = () => {}
      const cut = new Promise<TetherError>((resolve) => {
        end = resolve
      })
      return {
        closed: Promise.race([cut, connection.closed]),
        close: () => connection.close(),
        [Symbol.asyncDispose]: () => connection.close(),
        send(to, frame) {
          state.sent++
          if (!state.cuts) return connection.send(to, frame)
          const details = { during: 'publish', refused: true }
          end(new TetherError('UNREACHABLE', 'the broker closed it', { details }))
        },
      }
    },
  }
  const stub = tether.stub({ transport: cutting, passthrough: async () => 'cloud' })
  const invoke = async () => {
    let answer: unknown = 'waiting'
    void stub({}, stubContext()).then((value) => {
      answer = value
    })
    await settle()
    for (let passed = 0; passed < 1_000 && answer === 'waiting'; passed += 50) await clock.advance(50)
    return answer
  }
  return { state, invoke }
}

describe('an environment that may connect and not send', () => {
  it.each([
    ['without a session', false],
    ['with a session, of whose presence it hears', true],
  ])('runs its own code at once after the second cut in a row, %s', async (_what, withSession) => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    if (withSession) await answering(tether)
    const { state, invoke } = cutStub(tether, clock)
    const startedAt = clock.now()
    expect(await invoke()).toBe('cloud')
    expect(clock.now() - startedAt).toBeLessThan(1_000)
    expect(state.sent).toBe(2)
    for (let second = 0; second < 60; second++) {
      await clock.advance(1_000)
      const invokedAt = clock.now()
      expect(await invoke()).toBe('cloud')
      expect(clock.now()).toBe(invokedAt)
    }
    if (!withSession) return
    state.cuts = false
    let answer: unknown
    for (let second = 0; second < 20 && answer !== 'local'; second++) {
      await clock.advance(1_000)
      answer = await invoke()
    }
    expect(answer).toBe('local')
  })
})

it('forgets refusals to connect when it connects, and cuts when a session is heard', () => {
  const watch = new SessionWatch(new ManualClock())
  const refusal = new TetherError('UNREACHABLE', 'not authorized', { details: { refused: true } })
  watch.disconnected(refusal)
  watch.connected()
  watch.disconnected(refusal)
  expect(watch.refused).toBe(false)
  watch.connected()
  watch.tell({ type: 'presence', session: 'one', epoch: 1, state: 'online', sequence: 1, at: 0 })
  watch.disconnected(refusal)
  expect(watch.refused).toBe(true)
  watch.connected()
  watch.tell({ type: 'presence', session: 'one', epoch: 1, state: 'online', sequence: 2, at: 0 })
  expect(watch.refused).toBe(true)
  watch.heard('one')
  expect(watch.refused).toBe(false)
  watch.disconnected(refusal)
  expect(watch.refused).toBe(false)
})

it('waits through one refusal', async () => {
  const clock = new ManualClock()
  await using tether = new Tether({ clock })
  await answering(tether)
  const { state, invoke } = refusedStub(tether)
  const { admit } = tether.transport
  tether.transport.admit = (self) => {
    if (self.role === 'stub') state.refuses = state.attempts === 0
    admit(self)
  }
  expect(await invoke()).toBe('local')
  expect(state.attempts).toBe(2)
})

it('is remembered for 10 s, and for twice as long after each further refusal, up to 60 s', () => {
  const clock = new ManualClock()
  const watch = new SessionWatch(clock)
  const refusal = new TetherError('UNREACHABLE', 'not authorized', { details: { refused: true } })
  const remembered = Array.from({ length: 6 }, () => {
    clock.jump(1_000)
    watch.disconnected(refusal)
    return watch.failedWait?.forgottenInMs
  })
  expect(remembered).toEqual([undefined, 10_000, 20_000, 40_000, 60_000, 60_000])
  clock.jump(59_999)
  expect(watch.refused).toBe(true)
  clock.jump(1)
  expect(watch.refused).toBe(false)
  watch.disconnected(refusal)
  watch.connected()
  expect(watch.failedWait).toBeUndefined()
  watch.disconnected(refusal)
  expect(watch.refused).toBe(false)
})

it('asks at once where a process was frozen for longer than it remembers', async () => {
  const clock = new ManualClock()
  await using tether = new Tether({ clock })
  await answering(tether)
  const { state, invoke } = refusedStub(tether)
  expect(await invoke()).toBe('cloud')
  state.refuses = false
  clock.jump(60_000)
  expect(await invoke()).toBe('local')
})

it('tells why it did not wait', async () => {
  const clock = new ManualClock()
  await using tether = new Tether({ clock })
  refusedStub(tether)
  const stub = tether.stub({ onNobody: 'throw' })
  await expect(stub({}, stubContext())).rejects.toMatchObject({
    code: 'UNREACHABLE',
    message: 'The broker could not be reached within 0 ms: not authorized',
  })
  clock.jump(4_000)
  await expect(stub({}, stubContext())).rejects.toMatchObject({
    code: 'UNREACHABLE',
    message: expect.stringMatching(
      /could not be reached 4000 ms ago .*did not wait.* in 6000 ms: not authorized/,
    ),
  })
})
