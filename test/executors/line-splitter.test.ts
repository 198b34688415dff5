import { expect, test } from 'vitest'
import { LineSplitter } from '../../src/executors/line-splitter.js'

test('text in any pieces becomes the same lines', () => {
  const text = 'one\ntwo\r\n\nthree 漢字\n  four'
  for (let size = 1; size <= text.length; size++) {
    const lines: string[] = []
    const splitter = new LineSplitter((line) => lines.push(line))
    for (let at = 0; at < text.length; at += size) splitter.push(text.slice(at, at + size))
    expect(lines).toEqual(['one', 'two', '', 'three 漢字'])
    splitter.flush()
    splitter.flush()
    expect(lines).toEqual(['one', 'two', '', 'three 漢字', '  four'])
  }
})

test('a line of many megabytes in small pieces stays one line', () => {
  const lines: string[] = []
  const splitter = new LineSplitter((line) => lines.push(line))
  for (let piece = 0; piece < 20_000; piece++) splitter.push('x'.repeat(512))
  splitter.push('\n')
  expect(lines.map((line) => line.length)).toEqual([20_000 * 512])
})
