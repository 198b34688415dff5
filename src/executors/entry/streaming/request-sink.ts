import type { ClientRequest } from 'node:http'
import { deferred } from '../../../core/base/deferred.js'
import type { LambdaError } from '../../../core/base/errors.js'
import { toSafeError } from '../reported-errors.js'
import type { Failed, ResponseSink } from './response-stream.js'

const ERROR_TYPE = 'Lambda-Runtime-Function-Error-Type'
const ERROR_BODY = 'Lambda-Runtime-Function-Error-Body'
/** The longest error in the trailers, in base64. Servers accept about 1 MB for all headers. */
const MAX_ERROR_CHARACTERS = 512 * 1024

/** Posts a streamed response to the Runtime API, with the headers and trailers of the official runtime client. */
export class RequestSink implements ResponseSink {
  readonly #request: ClientRequest
  readonly #taken = deferred()
  #ended = false

  constructor(request: ClientRequest) {
    this.#request = request
    request.setHeader('Lambda-Runtime-Function-Response-Mode', 'streaming')
    request.setHeader('Trailer', [ERROR_TYPE, ERROR_BODY])
    request.setHeader('Transfer-Encoding', 'chunked')
    request.on('response', (response) => {
      response.on('end', () => this.#taken.resolve())
      response.resume()
    })
    // The host is gone: the next call will find out.
    request.on('error', () => this.#taken.resolve())
  }

  /** Resolves when the Runtime API has taken the response. */
  get taken(): Promise<void> {
    return this.#taken.promise
  }

  begin(contentType: string): void {
    this.#request.setHeader('Content-Type', contentType)
    this.#request.flushHeaders()
  }

  write(chunk: Uint8Array, taken: () => void): void {
    if (chunk.length === 0) taken()
    else this.#request.write(chunk, taken)
  }

  end(failed?: Failed): void {
    this.#ended = true
    if (failed) this.#addError(toSafeError(failed.thrown))
    this.#request.end()
  }

  /**
   * Ends the response with an uncaught error.
   * @returns false if the response has already ended, so that the error is lost
   */
  crash(error: LambdaError): boolean {
    if (this.#ended) return false
    this.#ended = true
    if (!this.#request.headersSent) this.begin('application/octet-stream')
    this.#addError(error)
    this.#request.end()
    return true
  }

  #addError(error: LambdaError): void {
    const { errorType, errorMessage } = error
    const whole = base64(error)
    const short = { errorType, errorMessage: errorMessage.slice(0, MAX_ERROR_CHARACTERS / 8), trace: [] }
    const body = whole.length > MAX_ERROR_CHARACTERS ? base64(short) : whole
    this.#request.addTrailers({ [ERROR_TYPE]: errorTypeHeader(error), [ERROR_BODY]: body })
  }
}

/** Removes line breaks and characters beyond Latin-1 from an error's name: a header accepts neither. */
export function errorTypeHeader({ errorType }: LambdaError): string {
  return errorType.slice(0, 256).replace(/[^\x20-\x7e]/g, '?')
}

function base64(error: LambdaError): string {
  return Buffer.from(JSON.stringify(error)).toString('base64')
}
