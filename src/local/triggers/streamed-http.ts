import { HTTP_RESPONSE_TYPE, PRELUDE_END } from '../../core/contracts/response-stream.js'
import type { InvokeStream } from '../lambda/streaming/invoke-stream.js'
import { type HttpHead, httpHead, isRecord } from './http-answer.js'

/** An HTTP response with a streamed body. */
export interface StreamedHttp extends HttpHead {
  /** Throws if the function fails partway. */
  readonly body: AsyncIterable<Uint8Array>
}

/** Default for a response without a content type. */
const DEFAULT_TYPE = 'application/octet-stream'

/**
 * Reads the beginning of a streamed response: status, headers and cookies from its prelude; without a prelude, the
 * stream is the body of a 200.
 * @returns undefined if the function failed before its first byte, or the prelude is malformed
 */
export async function streamedHttp(stream: InvokeStream): Promise<StreamedHttp | undefined> {
  const chunks = stream.body[Symbol.asyncIterator]()
  const hasPrelude = stream.contentType.startsWith(HTTP_RESPONSE_TYPE)
  const first = hasPrelude ? await readPrelude(chunks) : await readChunk(chunks)
  if (first === undefined) {
    if ((await stream.end).error !== undefined) return undefined
    // Also for a prelude without a write: the runtime never sends it, so status and headers are lost on Lambda too.
    const contentType = hasPrelude ? DEFAULT_TYPE : stream.contentType
    return {
      status: 200,
      headers: { 'content-type': contentType },
      body: rest(new Uint8Array(), chunks, stream),
    }
  }
  const head =
    'prelude' in first
      ? headOf(first.prelude)
      : { status: 200, headers: { 'content-type': stream.contentType } }
  if (head !== undefined) return { ...head, body: rest(first.data, chunks, stream) }
  await chunks.return?.()
  return undefined
}

const NO_PRELUDE = Buffer.alloc(0)

type Chunks = AsyncIterator<Uint8Array>
type Beginning = { readonly prelude?: Buffer; readonly data: Uint8Array }

async function readChunk(chunks: Chunks): Promise<Beginning | undefined> {
  const step = await chunks.next()
  return step.done ? undefined : { data: step.value }
}

/** Reads until the prelude is complete; a prelude without an end is malformed. */
async function readPrelude(chunks: Chunks): Promise<Beginning | undefined> {
  let read: Buffer = Buffer.alloc(0)
  for (;;) {
    const step = await chunks.next()
    if (step.done) return read.byteLength === 0 ? undefined : { prelude: NO_PRELUDE, data: NO_PRELUDE }
    read = Buffer.concat([read, step.value])
    const end = read.indexOf(PRELUDE_END)
    if (end >= 0) return { prelude: read.subarray(0, end), data: read.subarray(end + PRELUDE_END.byteLength) }
  }
}

function headOf(prelude: Buffer): HttpHead | undefined {
  try {
    const metadata: unknown = JSON.parse(prelude.toString('utf8'))
    return isRecord(metadata) ? httpHead(metadata, DEFAULT_TYPE) : undefined
  } catch {
    return undefined
  }
}

async function* rest(
  data: Uint8Array,
  chunks: Chunks,
  stream: InvokeStream,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    if (data.byteLength > 0) yield data
    for (let step = await chunks.next(); !step.done; step = await chunks.next()) yield step.value
  } finally {
    await chunks.return?.()
  }
  const { error } = await stream.end
  if (error !== undefined) throw new Error(`The function failed: ${error.type}`)
}
