import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { expect, onTestFinished, test } from 'vitest'
import { download, upload } from '../../src/core/payload/transfer.js'
import { memoryStore } from '../../src/stores/memory.js'

const MINUTE = { expiresInMs: 60_000 }

test('a closed memory store has forgotten everything, and refuses requests with a reason', async () => {
  const store = memoryStore()
  await store.put('key', randomBytes(10))
  expect(store.size).toBe(1)
  const { url } = await store.presignGet('key', MINUTE)
  await store.close()
  await store.close()
  expect(store.size).toBe(0)
  await expect(fetch(url)).rejects.toThrow()
  const closed = { code: 'CLOSED' }
  await expect(store.put('key', randomBytes(1))).rejects.toMatchObject(closed)
  await expect(store.get('key', { maxBytes: 1 })).rejects.toMatchObject(closed)
  await expect(store.delete('key')).rejects.toMatchObject(closed)
  await expect(store.presignGet('key', MINUTE)).rejects.toMatchObject(closed)
  await expect(store.presignPut('key', { ...MINUTE, bytes: 1 })).rejects.toMatchObject(closed)
})

test('a memory store gives the reason for a refused URL', async () => {
  await using store = memoryStore()
  const get = await store.presignGet('key', MINUTE)
  const reason = (text: string) => ({
    code: 'STORE_FAILED',
    details: expect.objectContaining({ reason: text }),
  })
  await expect(download(get, { maxBytes: 1 })).rejects.toMatchObject(reason('object-missing'))
  const put = await store.presignPut('key', { ...MINUTE, bytes: 2 })
  await expect(upload(put, randomBytes(3))).rejects.toMatchObject(reason('mismatch'))
  const late = await store.presignPut('key', { expiresInMs: -1, bytes: 2 })
  await expect(upload(late, randomBytes(2))).rejects.toMatchObject(reason('url-expired'))
})

test('a memory store keeps nothing of a body that ends early', async () => {
  await using store = memoryStore()
  const { url } = await store.presignPut('key', { ...MINUTE, bytes: 100 })
  const { hostname, port, pathname, search } = new URL(url)
  const socket = connect(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.on('error', () => {})
  const head = `PUT ${pathname}${search} HTTP/1.1\r\nHost: ${hostname}\r\nContent-Length: 100\r\n\r\n`
  socket.resume().end(head + 'x'.repeat(50))
  await closed
  expect(store.size).toBe(0)
})

test('a memory store takes no wrong address', async () => {
  expect(() => memoryStore({ host: '' })).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  await using store = memoryStore({ host: '203.0.113.1' })
  await expect(store.presignGet('key', MINUTE)).rejects.toMatchObject({
    code: 'STORE_FAILED',
    details: { operation: 'presign', reason: 'unreachable' },
  })
})

test('an unclosed memory store keeps no process alive, even with a connected client', async () => {
  const script = `
    import { memoryStore } from './src/stores/memory.ts'
    const store = memoryStore()
    await store.put('key', new Uint8Array(3))
    console.log((await store.presignGet('key', { expiresInMs: 60000 })).url)
    await new Promise((resolve) => process.stdin.once('data', resolve))
    process.stdin.destroy()`
  const bundle = await build({
    stdin: { contents: script, resolveDir: fileURLToPath(new URL('../..', import.meta.url)), loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
  })
  const code = bundle.outputFiles[0]!.text
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const exit = once(child, 'exit')
  const url = new URL(String((await once(child.stdout, 'data'))[0]).trim())
  // In the middle of its request: an idle connection would be closed after five seconds.
  const socket = connect(Number(url.port), url.hostname)
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {}).write('GET ')
  // Accepted later, so that the one above is there.
  expect((await fetch(url, { headers: { connection: 'close' } })).status).toBe(200)
  child.stdin.write('end')
  expect(await exit).toEqual([0, null])
}, 10_000)
