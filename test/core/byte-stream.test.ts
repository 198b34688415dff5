import { expect, test } from 'vitest'
import { ByteStream } from '../../src/core/streams/byte-stream.js'

const bytes = (text: string) => new TextEncoder().encode(text)

async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

test('the reader gets bytes written before it came and while it waits', async () => {
  const stream = new ByteStream(10)
  stream.push(bytes('early '))
  const text = textOf(stream)
  stream.push(bytes('late'))
  stream.end()
  stream.push(bytes('too late'))
  expect(await text).toBe('early late')
  expect(await stream.next()).toEqual({ done: true, value: undefined })
})

test('an error follows the buffered bytes, once; a destroyed stream drops them', async () => {
  const failed = new ByteStream(10)
  failed.push(bytes('some'))
  failed.fail(new Error('broke'))
  expect((await failed.next()).value).toEqual(bytes('some'))
  await expect(failed.next()).rejects.toThrow('broke')
  expect((await failed.next()).done).toBe(true)

  const destroyed = new ByteStream(10)
  destroyed.push(bytes('some'))
  destroyed.destroy(new Error('gone'))
  await expect(destroyed.next()).rejects.toThrow('gone')
})

test('it is full at its high-water mark, and reports every byte that is read or dropped', async () => {
  const stream = new ByteStream(4)
  let read = 0
  stream.onRead((count) => {
    read += count
  })
  stream.push(bytes('123'))
  expect(stream.full).toBe(false)
  stream.push(bytes('45'))
  expect(stream.full).toBe(true)
  await stream.next()
  expect([stream.full, read]).toEqual([false, 3])
  await stream.return()
  stream.push(bytes('678'))
  expect([stream.full, read]).toEqual([false, 8])
})

test('a reader that leaves early is reported, a reader that reads to the end is not', async () => {
  const left = new ByteStream(4)
  const waiting = left.next()
  await left.return()
  await left.returned
  expect((await waiting).done).toBe(true)

  const read = new ByteStream(4)
  let returned = false
  void read.returned.then(() => {
    returned = true
  })
  read.end()
  await textOf(read)
  await read.return()
  expect(returned).toBe(false)
})
