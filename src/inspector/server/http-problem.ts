import { TetherError } from '../../core/base/errors.js'
import { printable } from '../../core/base/printable.js'

const STATUSES = {
  BAD_REQUEST: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  INTERNAL: 500,
} as const

/** Codes of errors about the request itself; other codes report that the session could not fulfil it. */
const OF_REQUESTS: readonly string[] = ['INVALID_OPTION', 'PROTOCOL']

/** A request that is refused, or failed. */
export class HttpProblem extends Error {
  readonly status: number

  /** @param code of the answer: a code of the table above, or of a `TetherError` */
  constructor(
    readonly code: string,
    message: string,
    status?: number,
  ) {
    super(message)
    this.status = status ?? STATUSES[code as keyof typeof STATUSES]
  }

  /** Converts any thrown value to the answer for the client. */
  static of(thrown: unknown): HttpProblem {
    if (thrown instanceof HttpProblem) return thrown
    if (thrown instanceof TetherError)
      return new HttpProblem(thrown.code, thrown.message, OF_REQUESTS.includes(thrown.code) ? 400 : 409)
    return new HttpProblem('INTERNAL', printable(thrown instanceof Error ? thrown.message : thrown))
  }
}
