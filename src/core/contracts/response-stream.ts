/** The content type of a stream that begins with a prelude, which is what `HttpResponseStream.from` of Lambda's Node runtime makes. */
export const HTTP_RESPONSE_TYPE = 'application/vnd.awslambda.http-integration-response'

/** Stands between a prelude, the JSON of status, headers and cookies, and the body. */
export const PRELUDE_END: Uint8Array = new Uint8Array(8)
