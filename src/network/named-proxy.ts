import { isIP } from 'node:net'
import { TetherError } from '../core/base/errors.js'

/** A proxy, and the environment variable that names it. */
export interface NamedProxy {
  /** May hold a password: never in a message. */
  readonly url: URL
  readonly variable: string
}

type Environment = Readonly<Record<string, string | undefined>>

// Lower case first, like `proxy-from-env` and curl.
const forHttps = ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY']
const forHttp = ['http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY']

/** Whether the environment names a proxy for any address. */
export function namesProxy(env: Environment = process.env): boolean {
  return [...forHttps, ...forHttp].some((name) => !!env[name])
}

/**
 * Returns the proxy for a URL of any scheme with a host: `HTTPS_PROXY` for TLS, `HTTP_PROXY` for the rest. Undefined
 * without such a variable, for hosts in `NO_PROXY`, and for this machine itself, as in browsers and Go.
 * @throws TetherError `MISSING_DEPENDENCY`, `INVALID_OPTION` naming the variable
 */
export async function proxyFor(url: URL, secure: boolean): Promise<NamedProxy | undefined> {
  if (!namesProxy() || isLoopback(url.hostname)) return undefined
  const variable = (secure ? forHttps : forHttp).find((name) => !!process.env[name])
  if (variable === undefined) return undefined
  const { getProxyForUrl } = await loadForProxy(variable, () => import('proxy-from-env'))
  // The library knows only the schemes http and https.
  const asWeb = `${secure ? 'https' : 'http'}://${url.host}`
  if (getProxyForUrl(asWeb) === '') return undefined
  return { url: proxyUrl(variable), variable }
}

/** Loads a package for proxies. @throws TetherError `MISSING_DEPENDENCY` */
export async function loadForProxy<T>(variable: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (cause) {
    // Names both packages: otherwise, a user without either would get a second error after installing the first.
    throw new TetherError(
      'MISSING_DEPENDENCY',
      `${variable} names a proxy, for which two packages are needed. Run: npm install https-proxy-agent proxy-from-env`,
      { cause },
    )
  }
}

/** Whether a host name or address is this machine's loopback. */
export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase()
  if (isIP(host) === 4) return host.startsWith('127.')
  return host === '::1' || host === 'localhost' || host.endsWith('.localhost')
}

// A URL without a scheme names an HTTP proxy, as in curl and Go.
function proxyUrl(variable: string): URL {
  const text = process.env[variable]!
  const full = text.includes('://') ? text : `http://${text}`
  const url = URL.canParse(full) ? new URL(full) : undefined
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.hostname !== '') return url
  const socks = url?.protocol.startsWith('socks')
    ? ` For a ${url.protocol}// proxy pass an 'agent' of socks-proxy-agent.`
    : ''
  throw new TetherError(
    'INVALID_OPTION',
    `The environment variable ${variable} must be the URL of an HTTP proxy, such as http://proxy.example.com:8080.${socks}`,
  )
}
