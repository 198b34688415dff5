import { createHash, createHmac } from 'node:crypto'
import { Agent, request } from 'node:http'
import { CREDENTIALS, REGION } from '../broker/transport.js'

const SERVICE = 'execute-api'

/** Posts texts to connections of a WebSocket API by its management API, with only Node's own client. */
export class RawPosts {
  // Kept-alive sockets keep no process alive.
  #agent = new Agent({ keepAlive: true })
  #base

  /** @param url of the WebSocket API, with its stage */
  constructor(url) {
    this.#base = url.replace(/^ws/, 'http')
  }

  /** Resolves at any answer. */
  async post(connectionId, text) {
    const url = new URL(`${this.#base}/@connections/${encodeURIComponent(connectionId)}`)
    const headers = { ...signedHeaders('POST', url, text), 'content-length': Buffer.byteLength(text) }
    await new Promise((resolve, reject) => {
      const asked = request(url, { method: 'POST', agent: this.#agent, headers }, (response) =>
        response.resume().once('close', resolve),
      )
      asked.once('error', reject).end(text)
    })
  }
}

/** The least that AWS asks of a request: Signature Version 4. */
export function signedHeaders(method, url, body = '') {
  const time = new Date().toISOString().replace(/[:-]|\.\d{3}/g, '')
  const scope = [time.slice(0, 8), REGION, SERVICE, 'aws4_request']
  const path = url.pathname.split('/').map(encodeURIComponent).join('/')
  const signed = 'host;x-amz-date'
  const canonical = [
    method,
    path,
    url.search.slice(1),
    `host:${url.host}`,
    `x-amz-date:${time}`,
    '',
    signed,
    sha256(body),
  ]
  const text = ['AWS4-HMAC-SHA256', time, scope.join('/'), sha256(canonical.join('\n'))].join('\n')
  const signature = hmac(scope.reduce(hmac, `AWS4${CREDENTIALS.secretAccessKey}`), text).toString('hex')
  const credential = [CREDENTIALS.accessKeyId, ...scope].join('/')
  return {
    'x-amz-date': time,
    authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${signed}, Signature=${signature}`,
  }
}

const hmac = (key, text) => createHmac('sha256', key).update(text).digest()
const sha256 = (text) => createHash('sha256').update(text).digest('hex')
