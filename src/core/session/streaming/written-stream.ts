import { Writable } from 'node:stream'
import { checkString, checkText, listOf, recordOf, wholeNumber } from '../../base/option-checks.js'
import { checkOptions, optionsOf } from '../../base/options.js'
import { HTTP_RESPONSE_TYPE, PRELUDE_END } from '../../contracts/response-stream.js'
import { ByteStream } from '../../streams/byte-stream.js'

/** Status and headers of a streamed HTTP response, in the form that Lambda's HTTP front ends read. */
export interface HttpMetadata {
  /** @default 200 */
  readonly statusCode?: number | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** For REST APIs. */
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[]>> | undefined
  /** Values of `Set-Cookie`. */
  readonly cookies?: readonly string[] | undefined
}

/** Options of `invocation.respondStream`. */
export interface RespondStreamOptions {
  /** The response's content type; with `metadata`, its header `content-type`. @default `application/octet-stream` */
  readonly contentType?: string | undefined
  /**
   * Turns the stream into an HTTP response. Sent before the first byte, or at the end of an empty stream.
   * @default none
   */
  readonly metadata?: HttpMetadata | undefined
}

/** The limit on bytes waiting to be sent; beyond it `write` returns false. */
const HIGH_WATER_MARK = 64 * 1024

/** The stream to which a listener writes its response, with its bytes. */
export class WrittenStream extends Writable {
  readonly contentType: string | undefined
  readonly body = new ByteStream(HIGH_WATER_MARK)
  #prelude: Buffer | undefined
  #onRoom: (() => void) | undefined

  /** @throws TetherError `INVALID_OPTION` */
  constructor(options: RespondStreamOptions) {
    super()
    const { contentType, metadata } = checkOptions<RespondStreamOptions>('respondStream', options, {
      contentType: checkText,
      metadata: optionsOf<HttpMetadata>({
        statusCode: wholeNumber(100, 599),
        headers: recordOf('an object of headers', checkString),
        multiValueHeaders: recordOf('an object of headers', listOf('a list of values', checkString)),
        cookies: listOf('a list of cookies', checkText),
      }),
    })
    this.contentType = metadata === undefined ? contentType : HTTP_RESPONSE_TYPE
    if (metadata !== undefined) this.#prelude = prelude(metadata, contentType)
    // The stub and the session's listeners hear of every failure; an unhandled error here must not end the process.
    this.on('error', () => {})
    this.body.onRead(() => this.#goOn())
    void this.body.returned.then(() => this.destroy())
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#begin()
    this.body.push(chunk)
    if (!this.body.full) return done()
    this.#onRoom = done
  }

  override _final(done: () => void): void {
    this.#begin()
    this.body.end()
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.body.fail(error ?? new Error('The response was destroyed before its end.'))
    this.#goOn()
    done(error)
  }

  /** Writes the prelude before the first byte, or at the end of an empty stream. */
  #begin(): void {
    if (this.#prelude !== undefined) this.body.push(this.#prelude)
    this.#prelude = undefined
  }

  #goOn(): void {
    const onRoom = this.#onRoom
    this.#onRoom = undefined
    onRoom?.()
  }
}

function prelude({ headers = {}, ...metadata }: HttpMetadata, contentType: string | undefined): Buffer {
  const typed =
    contentType === undefined || Object.keys(headers).some((name) => name.toLowerCase() === 'content-type')
      ? headers
      : { ...headers, 'content-type': contentType }
  return Buffer.concat([
    Buffer.from(JSON.stringify({ statusCode: 200, ...metadata, headers: typed })),
    PRELUDE_END,
  ])
}
