import { expect, test } from 'vitest'
import { PortSink } from '../../src/executors/entry/streaming/port-sink.js'
import { STREAM_WINDOW_BYTES, type ThreadMessage } from '../../src/executors/thread/messages.js'

test('a thread sends a window ahead of its reader, and no more', () => {
  const sent: number[] = []
  const sink = new PortSink(1, (message: ThreadMessage) => {
    if (message.kind !== 'chunk') return
    sent.push(message.bytes.length)
    // As by a MessagePort, the bytes move: the sender's array is empty afterwards.
    structuredClone(message, { transfer: [message.bytes.buffer as ArrayBuffer] })
  })
  const quarter = STREAM_WINDOW_BYTES / 4
  let taken = 0
  for (let write = 1; write <= 5; write++) sink.write(new Uint8Array(quarter), () => taken++)
  expect([sent, taken]).toEqual([[quarter, quarter, quarter, quarter], 4])

  sink.credit(100)
  expect([sent.at(-1), taken]).toEqual([100, 4])
  sink.credit(quarter)
  expect([sent.at(-1), taken]).toEqual([quarter - 100, 5])
})
