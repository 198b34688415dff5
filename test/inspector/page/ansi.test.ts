import { expect, it } from 'vitest'
import { styledPieces } from '../../../src/inspector/page/detail/ansi.js'

it.each<[string, string, [string, string][]]>([
  ['a plain line', 'plain', [['plain', '']]],
  [
    'a colour',
    'a \u001b[31mred\u001b[0m b',
    [
      ['a ', ''],
      ['red', 'a-1'],
      [' b', ''],
    ],
  ],
  [
    'bright and bold',
    '\u001b[1;92mgood\u001b[22;39m.',
    [
      ['good', 'a-bold a-2'],
      ['.', ''],
    ],
  ],
  [
    'several marks, and the end of one',
    '\u001b[3;4mx\u001b[23my',
    [
      ['x', 'a-italic a-underline'],
      ['y', 'a-underline'],
    ],
  ],
  [
    'an empty SGR as a reset',
    '\u001b[2mx\u001b[my',
    [
      ['x', 'a-dim'],
      ['y', ''],
    ],
  ],
  [
    'colours that are not shown',
    '\u001b[38;5;31mx\u001b[48;2;1;2;3my\u001b[38;2;4;4;4mz',
    [
      ['x', ''],
      ['y', ''],
      ['z', ''],
    ],
  ],
  ['a link of a terminal', '\u001b]8;;https://evil.test\u0007here\u001b]8;;\u001b\\', [['here', '']]],
  [
    'movements and clearing',
    'a\u001b[2J\u001b[1;1Hb\u001b[?25lc',
    [
      ['a', ''],
      ['b', ''],
      ['c', ''],
    ],
  ],
  [
    'control characters but tabs',
    'a\u0000\b\tb\u009b31mc',
    [
      ['a', ''],
      ['\tb', ''],
      ['c', 'a-1'],
    ],
  ],
  ['a sequence that does not end', 'a\u001b[', [['a', '']]],
  ['a command that does not end', 'a\u001b]0;title', [['a', '']]],
])('%s', (_, line, pieces) => {
  expect(styledPieces(line).map(({ text, classes }) => [text, classes])).toEqual(pieces)
})

it('takes a time in proportion to the line', () => {
  expect(styledPieces('\u001b]'.repeat(200_000))).toEqual([])
})
