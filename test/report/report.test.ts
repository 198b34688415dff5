import { describe, expect, it } from 'vitest'
import { TetherError } from '../../src/core/base/errors.js'
import { SessionEmitter } from '../../src/core/session/emitter.js'
import type { ReportOptions, Session, SessionEvents, SessionStatus } from '../../src/index.js'
import { hasColors } from '../../src/report/colors.js'
import { report } from '../../src/report/report.js'
import { stackLines } from '../../src/report/stack.js'
import { ManualClock } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

const ID = '11111111-2222-3333-4444-555555555555'
const context = () => stubContext({ awsRequestId: ID })
const at = { atMs: 1 }

/** A session's events alone, and the lines that a report of them writes. */
function reported(options: ReportOptions = {}) {
  const emitter = new SessionEmitter(new ManualClock())
  const lines: string[] = []
  const reporting = report(emitter as unknown as Session, { write: (line) => lines.push(line), ...options })
  const log = (functionId: string, text: string) =>
    emitter.emit('log', {
      functionId,
      environmentId: 'environment',
      invocationId: 'invocation',
      requestId: ID,
      stream: 'stdout',
      text,
      time: 0,
      ...at,
    })
  const status = (...all: SessionStatus[]) => {
    for (const one of all) emitter.emit('status', one, at)
  }
  const reload = (event: Partial<Parameters<SessionEvents['reload']>[0]>) =>
    emitter.emit('reload', { functionId: 'api', durationMs: 6.1, warnings: [], ...at, ...event })
  return { emitter, lines, reporting, log, status, reload }
}

describe('report', () => {
  it('prints answers, failures with their stack, declined functions, and the connection', async () => {
    await using tether = new Tether({ clock: new ManualClock() })
    const session = tether.session().serve({
      functions: {
        api: (event) => {
          if (event === 'fail') throw new RangeError('no\u001b[31m', { cause: new TypeError('the reason') })
          return 'yes'
        },
      },
    })
    const lines: string[] = []
    report(session, { write: (line) => lines.push(line) })
    await session.open()
    const stub = tether.stub()
    await stub('ok', context())
    await stub('fail', context()).catch(() => {})
    await tether
      .stub({ functionId: 'apo' })({}, context())
      .catch(() => {})
    await session.close()
    expect(lines.filter((line) => !line.startsWith('  '))).toEqual([
      'session connecting',
      'session connected',
      `api ${ID}  answered 5 bytes in 0 ms`,
      `api ${ID}  failed after 0 ms: RangeError: no\\x1b[31m`,
      `apo ${ID}  declined: it does not serve function 'apo' (did you mean 'api'?); it serves 'api'`,
      'session closed',
    ])
    const stack = lines.filter((line) => line.startsWith('  '))
    expect(stack[0]).toMatch(/^ {6}at .*report\.test\.ts:/)
    expect(stack).toContain('  caused by TypeError: the reason')
    expect(stack.join('\n')).not.toContain('node:internal')
  })

  it('prints output of local code, in columns as wide as the longest name so far', () => {
    const { lines, log } = reported()
    log('api', 'one\u001b[2J')
    log('longer-name', 'two')
    log('api', 'x'.repeat(2_000))
    expect(lines).toEqual([
      `api ${ID}  | one\\x1b[2J`,
      `longer-name ${ID}  | two`,
      `api         ${ID}  | ${'x'.repeat(2_000)}`,
    ])
  })

  it('prints reloads, warnings, and build errors with their trace', () => {
    const { lines, reload } = reported()
    const warning = { text: 'unused import', file: 'src/api.ts', line: 3 }
    reload({ warnings: [warning, { text: 'odd' }] as never })
    const details = { errorType: 'Error', trace: ['Error: no', '    at load (/work/api.ts:1:7)'] }
    reload({
      error: new TetherError('BUILD_FAILED', 'It could not be loaded:\n  src/api.ts:1:7', { details }),
    })
    expect(lines).toEqual([
      'api reloaded in 6.1 ms',
      'api warning: src/api.ts:3: unused import',
      'api warning: odd',
      'api It could not be loaded:',
      '    src/api.ts:1:7',
      '      at load (/work/api.ts:1:7)',
    ])
  })

  it('puts the place of a failed build before a message that does not name the file', () => {
    const { lines, reload } = reported()
    const details = { file: '/work/api.ts', line: 2, column: 5 }
    reload({ error: new TetherError('BUILD_FAILED', 'Unexpected end of file', { details }) })
    reload({ error: new TetherError('BUILD_FAILED', '/work/api.ts:2:5: Unexpected', { details }) })
    expect(lines).toEqual([
      'api /work/api.ts:2:5: Unexpected end of file',
      'api /work/api.ts:2:5: Unexpected',
    ])
  })

  it('prints a discard at the first, 10th and 100th time', () => {
    const { emitter, lines } = reported()
    for (let n = 0; n < 150; n++) emitter.emit('discard', { reason: 'key', message: 'a wrong key' }, at)
    emitter.emit('discard', { reason: 'late', message: 'another' }, at)
    expect(lines).toEqual([
      'session discarded (key): a wrong key',
      'session discarded (key): a wrong key (10 times)',
      'session discarded (key): a wrong key (100 times)',
      'session discarded (late): another',
    ])
  })

  it('prints the state of the connection, its error, and the next attempt', () => {
    const { emitter, lines, status } = reported()
    const lost = (retryInMs: number): SessionStatus[] => [
      { state: 'disconnected', error: new TetherError('UNREACHABLE', 'The broker is gone.'), retryInMs },
      { state: 'connecting', attempt: 2 },
    ]
    status({ state: 'connecting', attempt: 1 }, { state: 'connected' })
    for (let n = 0; n < 10; n++) status(...lost(250.4))
    status({ state: 'connected' }, ...lost(300))
    emitter.emit('displaced', { by: 'other', epoch: 1, ...at })
    expect(lines).toEqual([
      'session connecting',
      'session connected',
      'session disconnected, next attempt in 250 ms: The broker is gone.',
      'session disconnected, next attempt in 250 ms (10 times): The broker is gone.',
      'session connected',
      'session disconnected, next attempt in 300 ms: The broker is gone.',
      'session Another session (other) was opened under this name, which this one has lost: it has ended.',
    ])
  })

  it('prints errors of the payload store, and of a listener with its stack', () => {
    const { emitter, lines, status } = reported()
    status({ state: 'store-failed', error: new TetherError('STORE_FAILED', 'The bucket is not there.') })
    emitter.on('close', () => {
      throw new RangeError('broken')
    })
    emitter.emit('close', at)
    expect(lines.slice(0, 2)).toEqual(['session payload store: The bucket is not there.', 'session closed'])
    emitter.on('displaced', () => {
      throw 'a text'
    })
    emitter.emit('displaced', { by: 'other', epoch: 1, ...at })
    // It has ended with `close`.
    expect(lines).toHaveLength(2)
    const other = reported()
    other.status({ state: 'listener-failed', event: 'respond', error: new RangeError('broken') })
    expect(other.lines[0]).toBe("session a listener of 'respond' failed: RangeError: broken")
    expect(other.lines[1]).toMatch(/^ {6}at .*report\.test\.ts:/)
  })

  it('prints an address after the line of each invocation that has ended, and after no other', async () => {
    await using tether = new Tether({ clock: new ManualClock() })
    const session = tether.session().serve({
      functions: {
        api: (event) => {
          if (event === 'fail') throw new RangeError('two\nlines')
          return 'yes'
        },
      },
    })
    const lines: string[] = []
    const ids: string[] = []
    session.on('invoke', ({ id }) => void ids.push(id))
    report(session, { write: (line) => lines.push(line), link: ({ id }) => `http://page/i/${id}\u001b[2J` })
    await session.open()
    await tether.stub()('ok', context())
    await tether
      .stub()('fail', context())
      .catch(() => {})
    await session.close()
    const linked = lines.filter((line) => line.includes('http://page'))
    expect(linked).toEqual([
      `api ${ID}  answered 5 bytes in 0 ms  http://page/i/${ids[0]}\\x1b[2J`,
      `api ${ID}  failed after 0 ms: RangeError: two  http://page/i/${ids[1]}\\x1b[2J`,
    ])
  })

  it('ends when it is disposed', () => {
    const { lines, reporting, log } = reported()
    log('api', 'before')
    reporting[Symbol.dispose]()
    log('api', 'after')
    expect(lines).toEqual([`api ${ID}  | before`])
  })

  it('has colours on request, and if the terminal has them', () => {
    const { lines, reload } = reported({ colors: true })
    reload({})
    expect(lines).toEqual(['\u001b[36mapi\u001b[39m \u001b[32mreloaded in 6.1 ms\u001b[39m'])
    const terminal = { hasColors: () => true }
    expect([hasColors({}, terminal), hasColors({}, {})]).toEqual([true, false])
    expect([hasColors({ NO_COLOR: '1' }, terminal), hasColors({ NO_COLOR: '' }, terminal)]).toEqual([
      false,
      true,
    ])
    const forced = (FORCE_COLOR: string) => hasColors({ FORCE_COLOR, NO_COLOR: '1' }, {})
    expect([forced('1'), forced(''), forced('0'), forced('false')]).toEqual([true, true, false, false])
  })

  it('takes a session, and names a wrong option', () => {
    expect(() => report({} as Session)).toThrow(/'session' must be a session/)
    expect(() => reported({ write: 'file' as never })).toThrow(/'write' must be a function/)
    expect(() => reported({ colours: true } as never)).toThrow(/'colours' is no option of report\(\)/)
  })
})

it('a stack in another language’s form is shown as it is', () => {
  const trace = ['  File "/work/words.py", line 3, in handler\n    raise ValueError("no")\n']
  expect(stackLines({ trace })).toEqual([
    '  File "/work/words.py", line 3, in handler',
    '    raise ValueError("no")',
  ])
})
