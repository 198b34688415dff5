import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { HttpProblem } from './http-problem.js'

/** A route's answer. */
export interface HttpReply {
  readonly status?: number
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string | Uint8Array
}

const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

/** Headers of every answer. No CORS headers: no other page may read anything. */
export const SECURITY_HEADERS = {
  'Content-Security-Policy': PAGE_POLICY,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
} as const

export function sendReply(response: ServerResponse, { status = 200, headers, body }: HttpReply): void {
  response.writeHead(status, { ...SECURITY_HEADERS, ...headers }).end(body)
}

export function json(value: unknown, status = 200): HttpReply {
  return {
    status,
    headers: { 'Content-Type': 'application/json; charset=utf-8' },
    body: JSON.stringify(value),
  }
}

/** A download: browsers save it and neither show nor run it. @param name letters, digits, dots and hyphens */
export function attachment(name: string, body: string | Uint8Array, type: string): HttpReply {
  return {
    headers: {
      'Content-Type': type,
      'Content-Disposition': `attachment; filename="${name}"`,
      'Content-Security-Policy': "sandbox; default-src 'none'",
    },
    body,
  }
}

export function problem({ status, code, message }: HttpProblem): HttpReply {
  const reply = json({ error: { code, message } }, status)
  return status === 405 ? { ...reply, headers: { ...reply.headers, Allow: 'GET, HEAD, POST' } } : reply
}
