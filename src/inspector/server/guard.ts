import type { IncomingMessage } from 'node:http'
import { HttpProblem } from './http-problem.js'
import { sameToken } from './token.js'

/** Lets a request through, or redirects it to a page. */
export type Admittance = { readonly kind: 'admitted' } | { readonly kind: 'redirect'; readonly to: string }

const METHODS = ['GET', 'HEAD', 'POST']
const OWN_SITE = ['same-origin', 'none']
/** The addresses of pages, which may have the token. */
const PAGE = /^\/(?:i\/[\w-]{1,100})?$/

/**
 * Decides which requests are answered. The inspector shows events and runs code, so it refuses other pages of the
 * browser, other users of the machine, and other host names that resolve to it.
 */
export class RequestGuard {
  /** With the port: browsers send cookies of a host to all its ports. */
  readonly cookieName: string
  readonly #token: string
  readonly #port: number

  constructor(token: string, port: number) {
    this.#token = token
    this.#port = port
    this.cookieName = `lambda-tether-${port}`
  }

  /** @throws HttpProblem for a request that is refused */
  admit(request: IncomingMessage, url: URL): Admittance {
    this.#checkHost(request)
    const { method = '' } = request
    if (!METHODS.includes(method))
      throw new HttpProblem('METHOD_NOT_ALLOWED', `${method} is not allowed; GET and POST are.`)
    const isPage = method !== 'POST' && PAGE.test(url.pathname)
    this.#checkOrigin(request, isPage)
    const passed = isPage ? url.searchParams.get('token') : null
    if (passed !== null && sameToken(passed, this.#token)) return { kind: 'redirect', to: withoutToken(url) }
    if (passed !== null || !this.#isKnown(request))
      throw new HttpProblem(
        'UNAUTHORIZED',
        'Open the URL that the session printed: it has the token of this start.',
      )
    if (method === 'POST') checkType(request)
    return { kind: 'admitted' }
  }

  /** The cookie that a browser gets in exchange for the token in the address. */
  get cookie(): string {
    return `${this.cookieName}=${this.#token}; HttpOnly; SameSite=Strict; Path=/`
  }

  /** A name of another site can be made to resolve to this machine (DNS rebinding): the browser still sends that name. */
  #checkHost({ headers, rawHeaders }: IncomingMessage): void {
    const names = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host')
    const [, name, port] = /^([a-z0-9.-]+):(\d+)$/i.exec(headers.host ?? '') ?? []
    const isOwn = name === '127.0.0.1' || /^(?:[a-z0-9-]+\.)*localhost$/i.test(name ?? '')
    if (names.length !== 1 || !isOwn || Number(port) !== this.#port)
      throw new HttpProblem('FORBIDDEN', `This is 127.0.0.1:${this.#port}, and answers to no other name.`)
  }

  // Other ports of this machine are the same site to a browser, which sends them the cookie.
  #checkOrigin({ headers }: IncomingMessage, isPage: boolean): void {
    const { origin, host } = headers
    const isOwn = origin === undefined || origin === `http://${host}`
    const site = headers['sec-fetch-site'] as string | undefined
    const isVisit =
      isPage && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document'
    if (!isOwn || (site !== undefined && !OWN_SITE.includes(site) && !isVisit))
      throw new HttpProblem('FORBIDDEN', 'Requests of other pages are refused.')
  }

  #isKnown({ headers }: IncomingMessage): boolean {
    const [, bearer] = /^bearer ([\w-]+)$/i.exec(headers.authorization ?? '') ?? []
    if (bearer !== undefined) return sameToken(bearer, this.#token)
    const cookies = (headers.cookie ?? '').split(/;\s*/)
    const start = `${this.cookieName}=`
    return cookies.some((each) => each.startsWith(start) && sameToken(each.slice(start.length), this.#token))
  }
}

// A form of another page can send any other type without asking first.
function checkType({ headers }: IncomingMessage): void {
  if (/^application\/json\s*(?:;|$)/i.test(headers['content-type'] ?? '')) return
  throw new HttpProblem('UNSUPPORTED_MEDIA_TYPE', "A POST has 'Content-Type: application/json'.")
}

function withoutToken(url: URL): string {
  url.searchParams.delete('token')
  return url.pathname + url.search
}
