import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { isLoopback, namesProxy, proxyFor } from '../../src/network/named-proxy.js'

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (/_proxy$/i.test(name)) vi.stubEnv(name, undefined)
})
afterEach(() => vi.unstubAllEnvs())

const broker = new URL('wss://broker.example.com/mqtt')
const found = async (url = broker, secure = true) => {
  const proxy = await proxyFor(url, secure)
  return proxy && `${proxy.variable} ${proxy.url.href}`
}

test('without a variable there is no proxy', async () => {
  expect(namesProxy()).toBe(false)
  expect(await found()).toBeUndefined()
})

test.each(['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'])('%s is for TLS', async (name) => {
  vi.stubEnv(name, 'http://proxy:8080')
  expect(namesProxy()).toBe(true)
  expect(await found()).toBe(`${name} http://proxy:8080/`)
})

test.each(['HTTP_PROXY', 'http_proxy'])('%s is for the rest', async (name) => {
  vi.stubEnv(name, 'http://proxy:8080')
  expect(await found()).toBeUndefined()
  expect(await found(new URL('ws://broker.example.com'), false)).toBe(`${name} http://proxy:8080/`)
})

test('without a scheme it is an HTTP proxy, for TLS as well', async () => {
  vi.stubEnv('HTTPS_PROXY', 'proxy:8080')
  expect(await found()).toBe('HTTPS_PROXY http://proxy:8080/')
})

test.each(['broker.example.com', '.example.com', '*.example.com', 'other, broker.example.com:443', '*'])(
  'NO_PROXY=%s matches the host',
  async (hosts) => {
    vi.stubEnv('HTTPS_PROXY', 'http://proxy:8080')
    vi.stubEnv('NO_PROXY', hosts)
    expect(await found()).toBeUndefined()
  },
)

test.each(['example.com', 'broker.example.com:8443', 'xample.com'])(
  'NO_PROXY=%s does not match the host',
  async (hosts) => {
    vi.stubEnv('HTTPS_PROXY', 'http://proxy:8080')
    vi.stubEnv('NO_PROXY', hosts)
    expect(await found()).toBe('HTTPS_PROXY http://proxy:8080/')
  },
)

test.each(['localhost', 'LOCALHOST', 'api.localhost', '127.0.0.1', '127.1.2.3', '[::1]'])(
  '%s is this machine, and is never reached through a proxy',
  async (host) => {
    vi.stubEnv('HTTPS_PROXY', 'http://proxy:8080')
    expect(isLoopback(host)).toBe(true)
    expect(await found(new URL(`wss://${host}:8443`))).toBeUndefined()
  },
)

test.each(['128.0.0.1', '127.example.com', 'localhost.example.com', '[::2]'])('%s is not', (host) => {
  expect(isLoopback(host)).toBe(false)
})

test.each([
  ['socks5://proxy:1080', /HTTPS_PROXY must be the URL of an HTTP proxy.*socks-proxy-agent/],
  ['http://user:se cret@', /HTTPS_PROXY must be the URL of an HTTP proxy[^@]*$/],
])('%s is rejected as a proxy', async (text, message) => {
  vi.stubEnv('HTTPS_PROXY', text)
  await expect(found()).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringMatching(message),
  })
})
