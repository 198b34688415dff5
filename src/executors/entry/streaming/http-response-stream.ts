import { HTTP_RESPONSE_TYPE, PRELUDE_END } from '../../../core/contracts/response-stream.js'

/** The members of a stream that {@link HttpResponseStream.from} needs. */
interface PreludeStream {
  setContentType(contentType: string): void
  _onBeforeFirstWrite?: (write: (chunk: string | Uint8Array) => void) => void
}

/** Puts status, headers and cookies before a streamed body. */
// biome-ignore lint/complexity/noStaticOnlyClass: the official client's is such a class
export class HttpResponseStream {
  /**
   * Makes the stream begin with `prelude` as JSON and 8 NUL bytes, and returns it. As on Lambda, the first `write()`
   * sends them; without a write they are lost.
   */
  static from<S extends PreludeStream>(stream: S, prelude: unknown): S {
    stream.setContentType(HTTP_RESPONSE_TYPE)
    const json = JSON.stringify(prelude)
    stream._onBeforeFirstWrite = (write) => {
      write(json)
      write(PRELUDE_END)
    }
    return stream
  }
}
