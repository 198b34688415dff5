import { expect, test } from 'vitest'
import { LineSplitter } from '../../src/executors/output/line-splitter.js'

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

test('a line that never ends is handed out in parts, which no text grows too long for', () => {
  const lines: number[] = []
  const splitter = new LineSplitter((line) => lines.push(line.length))
  const piece = 'x'.repeat(16 * 1024 * 1024)
  // More than V8 has room for in one text.
  for (let pushed = 0; pushed < 40; pushed++) splitter.push(piece)
  splitter.push('end\nnext\n')
  expect(lines).toEqual([...Array(10).fill(4 * piece.length), 3, 4])
})
