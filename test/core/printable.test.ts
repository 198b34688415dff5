import { stripVTControlCharacters } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkText, listOf, oneOf } from '../../src/core/base/option-checks.js'
import { invalidOption } from '../../src/core/base/options.js'
import { printable, TetherError } from '../../src/index.js'
import { nestedArrays } from '../support/nested.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

/** Turns a terminal red, moves up, erases the line, renames the window, and rings. */
const HOSTILE = '\u001b[31m\u001b[1A\u001b[2K\u001b]0;owned\u0007\rfine'
/** Reads as `user` where it says `resu`, and ends in text that nobody sees. */
const REORDERED = '\u202eresu\u202c\u2066x\u2069\u200b\u{e0041}'
/** Controls but tab and line feed; marks, separators, overrides and isolates of text's direction; invisible spaces. */
const RANGES =
  '\\0-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ufeff'
const UNSAFE = new RegExp(`[${RANGES}]`)

describe('printable', () => {
  it('escapes control sequences of a terminal', () => {
    expect(printable(HOSTILE)).toBe('\\x1b[31m\\x1b[1A\\x1b[2K\\x1b]0;owned\\x07\\rfine')
    expect(printable('\u009b31m')).toBe('\\x9b31m')
  })

  it('escapes characters that reorder or hide text', () => {
    expect(printable(REORDERED)).toBe('\\u202eresu\\u202c\\u2066x\\u2069\\u200b\\u{e0041}')
  })

  it('is one line', () => {
    expect(printable('a\r\nb\u2028c\u0085d')).toBe('a\\r\\nb\\u2028c\\x85d')
  })

  it('leaves every language, emoji and tabs as they are', () => {
    for (const text of ['Grüße, 漢字, نص, किताब\u200dे', '👩‍👩‍👧 👍🏽', 'a\tb', ''])
      expect(printable(text)).toBe(text)
  })

  it('cuts long text, and leaves no half of a surrogate pair', () => {
    expect(printable('x'.repeat(5_000))).toBe(`${'x'.repeat(1_000)}…`)
    expect(printable('ab😀', 3)).toBe('ab\\ud83d…')
  })

  it('takes anything', () => {
    const shown = [undefined, null, 5, Object.create(null), nestedArrays(50_000), Symbol('s')].map((value) =>
      printable(value),
    )
    expect(shown).toEqual(['undefined', 'null', '5', '[object Object]', '[object Array]', 'Symbol(s)'])
  })

  it('never leaves control characters of a terminal', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(0xffff)), fc.nat(50), (units, max) => {
        const shown = printable(String.fromCharCode(...units), max)
        expect(shown).not.toMatch(UNSAFE)
        expect(shown).not.toContain('\n')
        expect(stripVTControlCharacters(shown)).toBe(shown)
        // Half a pair would come back as another character.
        expect(Buffer.from(shown).toString()).toBe(shown)
      }),
    )
  })
})

describe('messages', () => {
  it('of errors are harmless even with hostile parts, and keep their lines', () => {
    const { message, stack } = new TetherError('DEPLOY_FAILED', `it says:\n${HOSTILE}${REORDERED}`)
    expect(message).toBe(`it says:\n${printable(HOSTILE)}${printable(REORDERED)}`)
    expect(stack).not.toMatch(UNSAFE)
  })

  it.each([
    ['a value', () => checkText('app', [HOSTILE]), () => oneOf('a', 'b')('mode', HOSTILE)],
    [
      'a name',
      () => invalidOption(HOSTILE, 'is no option'),
      () => listOf('texts', oneOf('a'))(HOSTILE, [REORDERED]),
    ],
  ])('of options are harmless, with %s of any kind', (_what, ...attempts) => {
    for (const attempt of attempts) {
      let thrown: unknown
      try {
        thrown = attempt()
      } catch (error) {
        thrown = error
      }
      expect(thrown).toBeInstanceOf(TetherError)
      expect((thrown as TetherError).message).not.toMatch(UNSAFE)
    }
  })

  it('of options show a value on one line', () => {
    expect(() => oneOf('a')('mode', 'b\nc')).toThrow("'mode' must be one of a, not 'b\\nc'.")
  })

  it('of discards are harmless', async () => {
    await using tether = new Tether()
    await tether.session().open()
    // A stub may name any function, also where its key is another's.
    const stub = tether.stub({ key: tether.stubKey('api'), functionId: HOSTILE })
    await expect(stub({}, stubContext())).rejects.toMatchObject({ code: 'DECLINED' })
    expect(tether.discards).toHaveLength(1)
    const [discard] = tether.discards
    expect(discard?.message).toContain(printable(HOSTILE))
    expect(discard?.message).not.toMatch(UNSAFE)
  })

  it('of late outcomes are harmless', async () => {
    await using tether = new Tether()
    const session = await tether.session().open()
    const next = session.next(HOSTILE)
    const stub = tether.stub({ key: tether.stubKey('*'), functionId: HOSTILE })
    const outcome = stub({}, stubContext()).catch(() => {})
    const invocation = await next
    const given = new Promise((resolve) => session.on('fail', resolve))
    await stub.close()
    await Promise.all([outcome, given])
    await invocation.respond('late')
    expect(tether.discards).toMatchObject([{ reason: 'late' }])
    expect(tether.discards[0]?.message).not.toMatch(UNSAFE)
  })
})
