// What a stub does with a presigned URL, against servers that do not behave.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { download, upload } from '../../src/core/payload/transfer.js'
import type { Cancel, Clock } from '../../src/index.js'
import { freePort } from '../support/free-port.js'

/** A presigned request to a server that answers as the test says. */
async function scripted(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/key?X-Amz-Signature=secret`, headers: {} }
}

/** A clock whose pauses pass at once; an attempt's 30 seconds pass when the test says so. */
class EagerClock implements Clock {
  readonly #limits = new Set<() => void>()

  now(): number {
    return 0
  }

  schedule(delayMs: number, callback: () => void): Cancel {
    if (delayMs < 30_000) setImmediate(callback)
    else this.#limits.add(callback)
    return () => void this.#limits.delete(callback)
  }

  timeOut(): void {
    for (const callback of this.#limits) callback()
  }
}

const failure = (reason: string, more: object = {}) => ({
  code: 'STORE_FAILED',
  details: expect.objectContaining({ reason, ...more }),
})

describe('a transfer', () => {
  test('tries again when the store is busy, and when the body is cut off', async () => {
    const body = randomBytes(100)
    let asked = 0
    const request = await scripted((_, response) => {
      asked += 1
      if (asked === 1) return response.writeHead(503).end('<Error><Code>SlowDown</Code></Error>')
      response.writeHead(200, { 'content-length': 100 })
      if (asked === 3) return response.end(body)
      response.write(body.subarray(0, 50), () => response.destroy())
      return undefined
    })
    expect(Buffer.compare(await download(request, { maxBytes: 100, clock: new EagerClock() }), body)).toBe(0)
    expect(asked).toBe(3)
  })

  test('says how many bytes arrived of a body that is always cut off', async () => {
    const request = await scripted((_, response) => {
      response.writeHead(200, { 'content-length': 100 })
      response.write(randomBytes(50), () => response.destroy())
    })
    await expect(download(request, { maxBytes: 100, clock: new EagerClock() })).rejects.toMatchObject({
      ...failure('truncated'),
      message: expect.stringMatching(/of 100 bytes came/),
    })
  })

  test('gives an attempt 30 seconds, three times', async () => {
    const clock = new EagerClock()
    let asked = 0
    const request = await scripted(() => {
      asked += 1
      clock.timeOut()
    })
    const error = await download(request, { maxBytes: 1, clock }).catch((reason: unknown) => reason)
    expect(error).toMatchObject({
      ...failure('unreachable', { operation: 'get' }),
      message: expect.stringMatching(/no answer within 30000 ms/),
    })
    expect(asked).toBe(3)
  })

  test('ends when the signal fires', async () => {
    const controller = new AbortController()
    const request = await scripted(() => controller.abort())
    const { signal } = controller
    await expect(upload(request, randomBytes(1), { signal })).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test('does not reveal the URL when the connection is refused', async () => {
    const request = { url: `http://127.0.0.1:${await freePort()}/key?X-Amz-Signature=secret`, headers: {} }
    const error: Error = await upload(request, randomBytes(1), { clock: new EagerClock() }).catch(
      (reason) => reason,
    )
    expect(error).toMatchObject(failure('unreachable', { operation: 'put' }))
    expect(error.message).toContain('ECONNREFUSED')
    expect(JSON.stringify([String(error), String(error.cause)])).not.toContain('X-Amz')
  })

  test('reads at most the limit of a body without a length', async () => {
    let ended = () => {}
    const end = new Promise<void>((resolve) => {
      ended = resolve
    })
    const request = await scripted((_, response) => {
      response.on('close', ended)
      const more = () => response.write(randomBytes(10_000), () => setImmediate(more))
      more()
    })
    await expect(download(request, { maxBytes: 100_000 })).rejects.toMatchObject({
      code: 'TOO_LARGE',
      message: expect.stringMatching(/exceeds 100000/),
    })
    await end
  })

  test('follows no redirect with a signed request', async () => {
    let followed = false
    const elsewhere = await scripted((_, response) => {
      followed = true
      response.end()
    })
    const request = await scripted((_, response) => {
      response.writeHead(307, { location: elsewhere.url }).end()
    })
    await expect(upload(request, randomBytes(1))).rejects.toMatchObject(failure('refused', { status: 307 }))
    expect(followed).toBe(false)
  })

  test('says that the URL has expired when its credentials have expired', async () => {
    const request = await scripted((_, response) => {
      const message = 'The provided token has expired.'
      response.writeHead(400).end(`<Error><Code>ExpiredToken</Code><Message>${message}</Message></Error>`)
    })
    await expect(download(request, { maxBytes: 1 })).rejects.toMatchObject(
      failure('url-expired', { status: 400, code: 'ExpiredToken' }),
    )
  })
})
