import { StringDecoder } from 'node:string_decoder'
import { nextTick } from '../../../core/base/timers.js'
import type { LogEntry } from '../../../core/contracts/executor.js'
import { captureWrites } from './capture-writes.js'

/**
 * Captures output to this thread's `process.stdout` and `process.stderr`, and so of `console`, and to their file
 * descriptors. Each write is passed on at once, because the code may never yield again.
 */
export function captureOutput(write: (stream: LogEntry['stream'], text: string) => void): void {
  const decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') }
  captureWrites((stream, bytes) => write(stream, decoders[stream].write(bytes as Buffer)))
  for (const stream of ['stdout', 'stderr'] as const) {
    const decoder = decoders[stream]
    process[stream].write = (
      chunk: string | Uint8Array,
      encoding?: BufferEncoding | WriteCallback,
      callback?: WriteCallback,
    ): boolean => {
      write(stream, textOf(chunk, encoding, decoder))
      const written = typeof encoding === 'function' ? encoding : callback
      if (written) nextTick(written)
      return true
    }
  }
}

type WriteCallback = (error?: Error | null) => void

function textOf(chunk: unknown, encoding: unknown, decoder: StringDecoder): string {
  if (typeof chunk === 'string') {
    const isText = typeof encoding !== 'string' || /^(utf-?8|ucs-?2|utf-?16le|latin1|ascii)$/i.test(encoding)
    return isText ? chunk : Buffer.from(chunk, encoding as BufferEncoding).toString()
  }
  if (chunk instanceof Uint8Array)
    return decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
  throw new TypeError(
    `What is written must be a string or a Uint8Array, not ${chunk === null ? 'null' : typeof chunk}.`,
  )
}
