import { Transform, type TransformCallback } from 'node:stream'
import { checkText, recordOf } from '../../base/option-checks.js'
import { checkOptions, fields } from '../../base/options.js'
import { HTTP_RESPONSE_TYPE, PRELUDE_END } from '../../contracts/response-stream.js'

/** Status and headers of a streamed HTTP response, as Lambda's HTTP front ends read them. */
export interface HttpMetadata {
  /** @default 200 */
  readonly statusCode?: number | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** For REST APIs. */
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[]>> | undefined
  /** Values of `Set-Cookie`. */
  readonly cookies?: readonly string[] | undefined
}

/** What `invocation.respondStream` takes. */
export interface RespondStreamOptions {
  /** Of the response; beside `metadata`, its header `content-type`. @default `application/octet-stream` */
  readonly contentType?: string | undefined
  /** Makes an HTTP response of the stream. It is sent before the first byte, or at the end where there is none. @default none */
  readonly metadata?: HttpMetadata | undefined
}

/** The stream that a listener writes its response to. */
export class WrittenStream extends Transform {
  readonly contentType: string | undefined
  #prelude: Buffer | undefined

  /** @throws TetherError `INVALID_OPTION` */
  constructor(options: RespondStreamOptions) {
    super()
    const { contentType, metadata } = checkOptions<RespondStreamOptions>('respondStream', options, {
      contentType: checkText,
      metadata: fields('an object of status and headers', {
        headers: recordOf('an object of headers', checkText),
      }),
    })
    this.contentType = metadata === undefined ? contentType : HTTP_RESPONSE_TYPE
    if (metadata !== undefined) this.#prelude = prelude(metadata, contentType)
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#begin()
    done(null, chunk)
  }

  override _flush(done: TransformCallback): void {
    this.#begin()
    done()
  }

  #begin(): void {
    if (this.#prelude !== undefined) this.push(this.#prelude)
    this.#prelude = undefined
  }
}

function prelude({ headers = {}, ...metadata }: HttpMetadata, contentType: string | undefined): Buffer {
  const typed =
    contentType === undefined || Object.keys(headers).some((name) => name.toLowerCase() === 'content-type')
      ? headers
      : { ...headers, 'content-type': contentType }
  return Buffer.concat([Buffer.from(JSON.stringify({ statusCode: 200, ...metadata, headers: typed })), PRELUDE_END])
}
