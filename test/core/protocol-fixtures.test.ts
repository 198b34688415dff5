import { spawnSync } from 'node:child_process'
import { createCipheriv, createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { brotliDecompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { Endpoint } from '../../src/core/contracts/transport.js'
import { openBody, sealBody } from '../../src/core/payload/stored-body.js'
import { Channel } from '../../src/core/wire/channel.js'
import { decodeMessage, encodeMessage } from '../../src/core/wire/codec.js'
import { packBody } from '../../src/core/wire/compress.js'
import type { Discard } from '../../src/core/wire/counters.js'
import { AssociatedData, decodeHeader, encodeDestination, encodeHeader } from '../../src/core/wire/frame.js'
import type { Message, PeerMessage, SessionMessage, StubMessage } from '../../src/core/wire/protocol.js'
import type { Refusal } from '../../src/core/wire/refusal.js'
import { generateKey, rootKey, senderKey } from '../../src/core/wire/seal.js'
import { clientIdPrefix, keptTopicOf, topicOf } from '../../src/transports/mqtt/topics.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import {
  FILE,
  type MessageFixture,
  messageFixtures,
  names,
  refused,
  storedBodies,
} from '../support/protocol-fixtures.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

const SCRIPT = fileURLToPath(new URL('../fixtures/protocol/make.py', import.meta.url))
const DOCUMENT = fileURLToPath(new URL('../../docs/protocol.md', import.meta.url))
const ask = messageFixtures.find(({ name }) => name === 'ask')!
const root = rootKey(names.key)
const fromHex = (text: string) => Buffer.from(text, 'hex')
const byteFields: Partial<Record<Message['type'], readonly string[]>> = {
  invoke: ['event', 'env'],
  result: ['body'],
}

/** The message that a fixture says it is. */
function expected({ head, sections }: MessageFixture): Message {
  const bytes = sections.flatMap((section, i) =>
    section === null ? [] : [[byteFields[head.type]![i]!, fromHex(section)]],
  )
  return { ...head, ...Object.fromEntries(bytes) } as unknown as Message
}

/** The receiving end of a fixture, and everything that came of what it received. */
function receiver({ to }: Pick<MessageFixture, 'to'>, key = root) {
  const messages: { message: Message; from?: string }[] = []
  const discards: Discard[] = []
  const refusals: Refusal[] = []
  const sent: { to: Endpoint; frame: Uint8Array }[] = []
  const common = {
    self: to,
    keys: [key],
    frameBytes: 1_024,
    clock: new ManualClock(),
    send: async (destination: Endpoint, frame: Uint8Array) => {
      sent.push({ to: destination, frame })
    },
    onDiscard: (discard: Discard) => discards.push(discard),
    onRefused: (refusal: Refusal) => refusals.push(refusal),
  }
  const onMessage = (message: Message, from: string) => messages.push({ message, from })
  const channel =
    to.role === 'session'
      ? new Channel<'stub'>({ ...common, onMessage, onPeer: (message) => messages.push({ message }) })
      : new Channel<'session'>({ ...common, onMessage })
  return { channel, messages, discards, refusals, sent }
}

describe('the fixture of presence', () => {
  it('is read by a stub as well, where it is kept for its session', () => {
    const fixture = messageFixtures.find(({ name }) => name === 'presence')!
    const stub = receiver({ ...fixture, to: { ...fixture.to, role: 'stub', name: 'one' } })
    for (const frame of fixture.frames) stub.channel.receive(fromHex(frame))
    expect(stub.messages).toEqual([])
    for (const frame of fixture.frames) stub.channel.receive(fromHex(frame), fixture.to)
    expect(stub.messages).toMatchObject([{ message: expected(fixture) }])
  })
})

describe.each(messageFixtures)('the fixture of a message: $name', (fixture) => {
  const { from, sender, to, frames, messageNumber } = fixture

  it('is decoded, every field, with its frames in any order and repeated', () => {
    const { channel, messages, discards } = receiver(fixture)
    for (const frame of [...frames, ...frames].reverse()) channel.receive(fromHex(frame))
    const who = from === 'peer' ? {} : { from: sender.name }
    expect(messages).toEqual([{ message: expected(fixture), ...who }])
    expect(discards).toEqual([])
  })

  it('is discarded with any one byte changed', () => {
    frames.forEach((original, changed) => {
      const { channel, messages, discards } = receiver(fixture)
      const frame = fromHex(original)
      for (let at = 0; at < frame.length; at++) {
        const altered = Buffer.from(frame)
        altered[at]! ^= 1
        channel.receive(altered)
        expect(discards.length, `byte ${at}`).toBe(at + 1)
      }
      frames.forEach((other, index) => {
        if (index !== changed) channel.receive(fromHex(other))
      })
      expect(messages).toEqual([])
    })
  })

  it('is what src/core writes and seals, byte for byte', () => {
    const message = fromHex(fixture.message)
    if (!fixture.name.includes('compressed') && !fixture.name.includes('several')) {
      expect(encodeMessage(expected(fixture)).equals(message)).toBe(true)
    }
    const scope = { app: to.app, stage: to.stage, direction: sender.role, senderId: sender.id }
    let offset = 0
    frames.forEach((frame, index) => {
      const { bytes, headBytes } = decodeHeader(fromHex(frame))
      const part = message.subarray(offset, offset + bytes.length - headBytes - 16)
      offset += part.length
      const header = {
        kind: sender.role,
        keyId: names.keyId,
        senderId: sender.id,
        messageNumber,
        index,
        count: frames.length,
        totalBytes: message.length,
        from: sender.name,
      }
      const associated = new AssociatedData(encodeHeader(header), encodeDestination(to))
      expect(senderKey(root, scope).seal(associated, part).toString('hex')).toBe(frame)
      if (index === 0) expect(associated.bytes.toString('hex')).toBe(fixture.associatedData)
    })
    expect(offset).toBe(message.length)
  })

  it('goes to the documented topic', () => {
    if (fixture.head.type === 'presence') return expect(keptTopicOf(to)).toBe(fixture.topic)
    const lane = from === 'stub' ? laneOf(sender.name) : 0
    expect(topicOf(to.role === 'session' ? { ...to, lane } : to)).toBe(fixture.topic)
  })
})

/** By the document: the stub's own choice of a lane is looked at below. */
function laneOf(stub: string): number {
  return createHash('sha256').update(stub).digest()[0]! % 16
}

describe('the fixtures', () => {
  it('have every message, and messages of one frame and of several, compressed and not', () => {
    const types = new Set(messageFixtures.map(({ head }) => head.type))
    const stub: StubMessage['type'][] = ['invoke', 'ask', 'presign', 'cancel']
    const session: Record<SessionMessage['type'], true> = {
      ack: true,
      result: true,
      error: true,
      url: true,
      need: true,
      challenge: true,
      missing: true,
      unknown: true,
      decline: true,
    }
    const peer: PeerMessage['type'][] = ['claim', 'displaced', 'presence']
    expect([...types].sort()).toEqual([...stub, ...Object.keys(session), ...peer].sort())
    expect(new Set(messageFixtures.map(({ frames }) => frames.length)).size).toBeGreaterThan(2)
  })

  it('know the key by its id, and client ids by their prefix', () => {
    expect(root.id).toBe(names.keyId)
    for (const role of ['stub', 'session'] as const) {
      expect(clientIdPrefix({ app: 'shop', stage: 'dev', role })).toBe(names.clientIdPrefixes[role])
    }
  })

  it('are where the worked example of docs/protocol.md is from', () => {
    const document = readFileSync(DOCUMENT, 'utf8')
    const hex = [...document.matchAll(/^(?:[0-9a-f]{2})+(?=$| {2})/gm)].map(([line]) => line).join('')
    expect(hex).toBe(ask.message + ask.frames[0]!)
    for (const text of [names.key, names.keyId, ask.senderKey, ask.topic, ask.sender.id]) {
      expect(document).toContain(`\`${text}\``)
    }
  })

  it.each(storedBodies)('have a stored body, $name, that opens', ({ secret, body, object }) => {
    const sealed = fromHex(object)
    const stored = { key: 'any', secret, bytes: sealed.length }
    expect(openBody(stored, sealed, 1 << 20).equals(fromHex(body))).toBe(true)
    for (let at = 0; at < sealed.length; at++) {
      const altered = Buffer.from(sealed)
      altered[at]! ^= 1
      expect(() => openBody(stored, altered, 1 << 20)).toThrow(
        expect.objectContaining({ code: 'STORE_FAILED' }),
      )
    }
  })

  it('have a refusal that a stub reads and that a session makes, byte for byte', () => {
    const frame = fromHex(refused.frame)
    const stub = receiver({ to: { app: 'shop', stage: 'dev', role: 'stub', name: 'any' } })
    stub.channel.receive(frame)
    expect(stub.refusals).toEqual([refused.says])
    frame[1] = 3
    stub.channel.receive(frame)
    expect(stub.refusals.length).toBe(1)
    expect(stub.discards).toMatchObject([{ reason: 'malformed' }])

    const foreign = fromHex(ask.frames[0]!)
    foreign.write('00000000', 2, 'hex')
    const session = receiver(ask)
    session.channel.receive(foreign)
    expect(session.sent.map(({ to }) => to)).toEqual([{ ...ask.to, role: 'stub', name: ask.sender.name }])
    expect(Buffer.from(session.sent[0]!.frame).toString('hex')).toBe(refused.frame)
  })
})

describe('a reader', () => {
  const written = (head: object, ...more: Buffer[]) => {
    const json = Buffer.from(JSON.stringify({ ...ask.head, ...head }))
    const table = [json, ...more].map((section, i) => {
      const entry = Buffer.alloc(5)
      entry[0] = i === 0 ? 0 : 255
      entry.writeUInt32BE(section.length, 1)
      return entry
    })
    return Buffer.concat([Buffer.of(table.length), ...table, json, ...more])
  }

  it('ignores fields that it does not know, and takes missing sections for absent', () => {
    expect(decodeMessage(written({ later: [1] }), stubShapes())).toEqual({ ...ask.head, later: [1] })
    const { head } = messageFixtures.find(({ name }) => name === 'invoke, by reference')!
    expect(decodeMessage(written(head), stubShapes())).toEqual(head)
    expect(decodeMessage(written({}, Buffer.alloc(0)), stubShapes())).toEqual(ask.head)
  })

  it.each([{ boundTo: null }, { type: 'chunk' }, { settled: undefined }, { epoch: -1 }])(
    'drops a message with %j',
    (wrong) => {
      expect(() => decodeMessage(written(wrong), stubShapes())).toThrow(
        expect.objectContaining({ code: 'PROTOCOL' }),
      )
    },
  )
})

describe('what src/core seals', () => {
  it('stores bodies as documented', () => {
    const body = Buffer.from('{"small":true}')
    const { secret, object } = sealBody(packBody(body))
    const cipher = createCipheriv('aes-256-gcm', Buffer.from(secret, 'base64url'), Buffer.alloc(12))
    cipher.setAAD(Buffer.from('lambda-tether stored body 1'))
    const sealed = [cipher.update(Buffer.concat([Buffer.of(0), body])), cipher.final(), cipher.getAuthTag()]
    expect(object.equals(Buffer.concat(sealed))).toBe(true)
  })

  it('leaves a stub on the documented lane, numbered from 0', async () => {
    await using tether = new Tether()
    await tether
      .session()
      .on('invoke', (invocation) => invocation.respond('ran'))
      .open()
    await tether.stub()('x', stubContext())
    const { to, frame } = tether.transport.passed.find(({ to: { role } }) => role === 'session')!
    const { header } = decodeHeader(frame)
    expect(to.lane).toBe(laneOf(header.from))
    expect(header).toMatchObject({ kind: 'stub', messageNumber: 0, index: 0, count: 1 })
  })
})

describe('a session', () => {
  it('runs the invocation of a fixture and answers the stub in it', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const { to, sender, frames } = messageFixtures.find(({ name }) => name === 'invoke')!
    const events: unknown[] = []
    const session = tether.session({ key: names.key }).on('invoke', (invocation) => {
      events.push({ event: invocation.event, env: invocation.env })
      return invocation.respond({ statusCode: 201 })
    })
    await session.open()
    clock.jump(100_000)
    const stub = receiver({ to: { ...to, role: 'stub', name: sender.name } })
    const connection = await tether.transport.connect(
      { ...to, role: 'stub', name: sender.name },
      { onFrame: (frame) => stub.channel.receive(frame) },
    )
    await connection.send({ ...to, lane: 13 }, fromHex(frames[0]!))
    await settle()
    await connection.close()
    expect(events).toEqual([
      {
        event: { path: '/orders', body: '日本 \u2028 \x07' },
        env: { TABLE: 'orders', GREETING: 'grüß dich' },
      },
    ])
    expect(stub.messages).toMatchObject([
      { message: { type: 'result', body: Buffer.from('{"statusCode":201}') }, from: 'default' },
    ])
  })
})

/** With its body packed, as stubs and sessions hand it over. */
function asSent(message: object): object {
  const { event, body } = message as { readonly event?: Uint8Array; readonly body?: Uint8Array }
  return { ...message, ...(event && { event: packBody(event) }), ...(body && { body: packBody(body) }) }
}

const python = '/usr/bin/python3'

/** Whether the independent script can run: it needs Debian's python3-cryptography. */
function findPython(): boolean {
  if (process.env.WITHOUT_REAL_SERVERS === '1') return false
  const found = spawnSync(python, ['-c', 'import cryptography']).status === 0
  if (!found && process.env.REQUIRE_REAL_SERVERS === '1') {
    throw new Error(`REQUIRE_REAL_SERVERS is 1 and ${python} has no cryptography (python3-cryptography).`)
  }
  return found
}

function run(args: readonly string[], input = ''): string {
  const { status, stdout, stderr } = spawnSync(python, [SCRIPT, ...args], { input, encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(status).toBe(0)
  return stdout
}

describe.skipIf(!findPython())('the independent script (needs python3-cryptography)', () => {
  it('makes the fixtures', () => {
    expect(run([])).toBe(readFileSync(FILE, 'utf8'))
  })

  it('opens everything that src/core seals', async () => {
    const key = generateKey()
    const given = await Promise.all(
      messageFixtures.map(async (fixture) => {
        const { app, stage } = fixture.to
        const self: Endpoint = { app, stage, role: fixture.sender.role, name: fixture.sender.name }
        const { channel, sent } = receiver({ to: self }, rootKey(key))
        await channel.send(fixture.to, asSent(expected(fixture)) as never)
        return {
          key,
          to: fixture.to,
          frames: sent.map(({ frame }) => Buffer.from(frame).toString('hex')).reverse(),
        }
      }),
    )
    const opened = JSON.parse(run(['--open'], JSON.stringify(given))) as {
      head: Record<string, unknown>
      sections: [number, string][]
    }[]
    opened.forEach(({ head, sections }, i) => {
      const fixture = messageFixtures[i]!
      const bodies = sections.map(([encoding, bytes]) =>
        encoding === 255
          ? null
          : (encoding === 1 ? brotliDecompressSync(fromHex(bytes)) : fromHex(bytes)).toString('hex'),
      )
      expect({ head, sections: bodies }).toEqual({ head: fixture.head, sections: fixture.sections })
    })
    expect(opened.length).toBe(messageFixtures.length)
    expect(given.some(({ frames }) => frames.length > 1)).toBe(true)
    const compressed = opened.filter(({ sections: [body] }) => body?.[0] === 1).map(({ head }) => head.type)
    expect(new Set(compressed)).toEqual(new Set(['invoke', 'result']))
  })
})
