import { expect, test } from 'vitest'
import { Cutter } from '../../src/transports/socket/cutter.js'
import {
  decodeFrame,
  frameLength,
  type WebSocketFrame,
} from '../../src/transports/socket/web-socket-frames.js'

// On both sides of every length that a header writes in another way.
const FRAMES: readonly WebSocketFrame[] = [0, 1, 125, 126, 127, 300, 65_535, 65_536].map(
  (length, number) => ({
    opcode: number % 3,
    fin: number % 2 === 0,
    payload: Buffer.alloc(length, number + 1),
  }),
)

/** As a server writes it. */
function written({ opcode, fin, payload }: WebSocketFrame): Buffer {
  const { length } = payload
  const head = Buffer.alloc(length < 126 ? 2 : length <= 0xffff ? 4 : 10)
  head[0] = (fin ? 0x80 : 0) | opcode
  head[1] = length < 126 ? length : length <= 0xffff ? 126 : 127
  if (head.length === 4) head.writeUInt16BE(length, 2)
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2)
  return Buffer.concat([head, payload])
}

test.each([1, 2, 3, 5, 7, 11, 64, 200_000])(
  'frames that come in %i bytes at once are read as they were written',
  (step) => {
    const bytes = Buffer.concat(FRAMES.map(written))
    const cutter = new Cutter((start) => frameLength(start, 100_000))
    const read: WebSocketFrame[] = []
    for (let at = 0; at < bytes.length; at += step) {
      for (const piece of cutter.push(bytes.subarray(at, at + step))) read.push(decodeFrame(piece))
    }
    const shown = (frames: readonly WebSocketFrame[]) =>
      frames.map(({ opcode, fin, payload }) => [
        opcode,
        fin,
        payload.length,
        payload.toString('latin1', 0, 1),
      ])
    expect(shown(read)).toEqual(shown(FRAMES))
    expect(
      Buffer.concat(read.map(({ payload }) => payload)).equals(
        Buffer.concat(FRAMES.map(({ payload }) => payload)),
      ),
    ).toBe(true)
  },
)
