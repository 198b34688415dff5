import { HTTP_RESPONSE_TYPE, PRELUDE_END } from '../../../core/contracts/response-stream.js'

/** What {@link HttpResponseStream.from} needs of a stream. */
interface PreludeStream {
  setContentType(contentType: string): void
  _onBeforeFirstWrite?: (write: (chunk: string | Uint8Array) => void) => void
}

/** Puts status, headers and cookies before a streamed body. */
// biome-ignore lint/complexity/noStaticOnlyClass: the official client's is such a class
export class HttpResponseStream {
  /**
   * The same stream, which from now on begins with `prelude` as JSON and 8 NUL bytes. As on Lambda they are written by the first
   * `write()`, and lost where there is none.
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
