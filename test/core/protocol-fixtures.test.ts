import { spawnSync } from 'node:child_process'
import { createCipheriv, createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { brotliDecompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { openBody, sealBody } from '../../src/core/payload/stored-body.js'
import { Channel } from '../../src/core/wire/channel.js'
import { decodeMessage, encodeMessage, encodePresence } from '../../src/core/wire/codec.js'
import { packBody } from '../../src/core/wire/compress.js'
import { expand, stageKey, statement } from '../../src/core/wire/derivation.js'
import {
  AssociatedData,
  decodeHeader,
  encodeDestination,
  encodeHeader,
  FRAME_OVERHEAD,
} from '../../src/core/wire/frame.js'
import { peerShapes, sessionShapes, stubShapes } from '../../src/core/wire/message-shapes.js'
import { openPresence, sealPresence } from '../../src/core/wire/presence-frame.js'
import type {
  Message,
  PeerMessage,
  PresenceMessage,
  SessionMessage,
  StubMessage,
} from '../../src/core/wire/protocol.js'
import { type Refusal, Refusals } from '../../src/core/wire/refusal.js'
import { rootKey, SessionKeys, StageKeys } from '../../src/core/wire/root-key.js'
import { senderKey } from '../../src/core/wire/seal.js'
import { readStubKey, stubKeys } from '../../src/core/wire/stub-key.js'
import { type Discard, type Endpoint, generateKey } from '../../src/index.js'
import { Admission } from '../../src/stub/relay/admission.js'
import { connectUrl, sessionProof } from '../../src/transports/api-gateway/url.js'
import { clientIdPrefix, keptTopicOf, topicOf } from '../../src/transports/mqtt/topics.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import {
  connect,
  droppedFixtures,
  FILE,
  type MessageFixture,
  messageFixtures,
  refused,
  stages,
  storedBodies,
} from '../support/protocol-fixtures.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

const SCRIPT = fileURLToPath(new URL('../fixtures/protocol/make.py', import.meta.url))
const DOCUMENT = fileURLToPath(new URL('../../docs/protocol.md', import.meta.url))
const fixtureNamed = (wanted: string) => messageFixtures.find(({ name }) => name === wanted)!
const ask = fixtureNamed('ask')
const shop = stages[0]!
const fromHex = (text: string) => Buffer.from(text, 'hex')
const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const keysOf = (key: string, { app, stage }: Pick<Endpoint, 'app' | 'stage'>) =>
  new StageKeys(rootKey('key', key), { app, stage })
const byteFields: Partial<Record<string, readonly string[]>> = {
  invoke: ['event', 'env'],
  result: ['body'],
  chunk: ['data'],
}

/** The message that a fixture says it is. */
function expected({ head, sections }: MessageFixture): Message {
  const bytes = sections.flatMap((section, i) => {
    const name = byteFields[head.type]?.[i]
    return section === null || name === undefined ? [] : [[name, fromHex(section)]]
  })
  return { ...head, ...Object.fromEntries(bytes) } as unknown as Message
}

type Address = Pick<MessageFixture, 'to' | 'key'> & { readonly tag?: string }

/** The receiving end of a fixture, and everything that came of what it received. */
function receiver({ to, key, tag = shop.functions[0]!.tag }: Address) {
  const messages: { message: Message; from?: string; number?: number }[] = []
  const discards: Discard[] = []
  const refusals: Refusal[] = []
  const sent: { to: Endpoint; frame: Uint8Array }[] = []
  const keys = keysOf(key, to)
  const common = {
    self: to,
    frameBytes: 1_024,
    clock: new ManualClock(),
    send: async (destination: Endpoint, frame: Uint8Array) => {
      sent.push({ to: destination, frame })
    },
    onDiscard: (discard: Discard) => discards.push(discard),
    onRefused: (refusal: Refusal) => refusals.push(refusal),
    onMessage: (message: Message, from: string, number: number) => messages.push({ message, from, number }),
  }
  const ofStub = stubKeys(readStubKey('key', keys.stubKeyText(fromHex(tag))))
  const refusing = new Refusals({ ...common, keys: new SessionKeys([keys]) })
  const channel =
    to.role === 'session'
      ? new Channel<'stub'>({
          ...common,
          keys: new SessionKeys([keys]),
          reads: stubShapes(),
          refuse: (reason, stub) => refusing.refuse(reason, stub),
          peers: { reads: peerShapes(), onMessage: (message) => messages.push({ message }) },
        })
      : new Channel<'session'>({ ...common, keys: ofStub, reads: sessionShapes() })
  /** What is kept for a session, as another session and a stub read it. */
  const kept = (frame: Uint8Array) => [keys, ofStub].map((reader) => openPresence([reader], to, frame))
  return { channel, keys, messages, discards, refusals, sent, kept }
}

/** Where a fixture arrives. */
const addressOf = ({ to, key, sender }: MessageFixture): Address => ({ to, key, tag: sender.tag })

describe.each(stages)("the fixture of a stage's keys: $app, $stage", (fixture) => {
  const { key, app, stage, functions, clientIdPrefixes } = fixture
  const keys = keysOf(key, fixture)

  it('has the keys that src/core derives', () => {
    const own = stageKey(rootKey('key', key), fixture)
    expect(fixture).toMatchObject({
      stageKey: toHex(own),
      keyId: keys.id,
      presence: toHex(keys.presence),
      peer: toHex(keys.peer),
      snapshot: toHex(expand(own, 'snapshot')),
      seed: toHex(expand(own, 'sign')),
      public: toHex(keys.publicBytes),
    })
  })

  it.each(functions)('has the keys of function $functionId', ({ functionId, tag, stub, text }) => {
    const own = functionId === null ? Buffer.alloc(8) : keys.tagOf(functionId)
    expect(toHex(own)).toBe(tag)
    expect(toHex(keys.stub(own))).toBe(stub)
    expect(keys.stubKeyText(own)).toBe(text)
    expect(text).toHaveLength(149)
    const read = readStubKey('key', text)
    expect({ ...read, tag: toHex(read.tag), stub: toHex(read.stub) }).toMatchObject({
      id: keys.id,
      tag,
      stub,
    })
    expect([toHex(read.presence), toHex(read.publicBytes)]).toEqual([fixture.presence, fixture.public])
  })

  it('has the prefixes of client ids', () => {
    for (const role of ['stub', 'session'] as const) {
      expect(clientIdPrefix({ app, stage, role })).toBe(clientIdPrefixes[role])
    }
  })
})

describe('the fixture of the statement that a session signs to connect', () => {
  it('equals the statement and signature of src/core', () => {
    const { key, parts, signature } = connect
    expect(toHex(statement('connect', parts))).toBe(connect.statement)
    expect(toHex(keysOf(key, shop).sign('connect', parts))).toBe(signature)
  })

  it('equals the proof that a session sends the relay, and the relay accepts it', () => {
    const { key, parts, signature } = connect
    const [host, app, stage, name, session, epoch, at] = parts as [
      string,
      string,
      string,
      string,
      string,
      number,
      number,
    ]
    const keys = keysOf(key, shop)
    const self: Endpoint = { app, stage, role: 'session', name }
    const sign = (purpose: string, ...list: readonly (string | number)[]) => keys.sign(purpose, list)
    const proof = sessionProof(`wss://${host}/live`, self, { session, epoch }, at, sign)
    expect(proof.sig).toBe(fromHex(signature).toString('base64url'))
    const { searchParams } = connectUrl(`wss://${host}/live`, self, proof)
    const relay = new Admission({
      APP: app,
      STAGE: stage,
      PUBLIC_KEYS: fromHex(shop.public).toString('base64url'),
    })
    const query = Object.fromEntries(searchParams)
    expect(relay.admit({ query, host, now: at })).toEqual({ ...self, session, epoch })
    expect(relay.admit({ query, host: 'another.example', now: at })).toMatchObject({ statusCode: 403 })
  })
})

describe.each(messageFixtures)('the fixture of a message: $name', (fixture) => {
  const { from, sender, to, frames, reference } = fixture
  const [environment, messageNumber] = reference.split(':') as [string, string]

  it('is decoded in every field, with its frames in any order and repeated', () => {
    const { channel, messages, discards, kept } = receiver(addressOf(fixture))
    if (from === 'kept') {
      for (const frame of frames) expect(kept(fromHex(frame))).toEqual([fixture.head, fixture.head])
      return
    }
    for (const frame of [...frames, ...frames].reverse()) channel.receive(fromHex(frame))
    const who = from === 'peer' ? {} : { from: environment, number: Number(messageNumber) }
    expect(messages).toEqual([{ message: expected(fixture), ...who }])
    expect(discards).toEqual([])
  })

  it('is dropped when any one byte is changed', () => {
    frames.forEach((original, changed) => {
      const { channel, messages, discards, kept } = receiver(addressOf(fixture))
      const frame = fromHex(original)
      for (let at = 0; at < frame.length; at++) {
        const altered = Buffer.from(frame)
        altered[at]! ^= 1
        channel.receive(altered)
        expect(discards.length, `byte ${at}`).toBe(at + 1)
        if (from === 'kept') expect(kept(altered), `byte ${at}`).toEqual([undefined, undefined])
      }
      frames.forEach((other, index) => {
        if (index !== changed) channel.receive(fromHex(other))
      })
      expect(messages).toEqual([])
    })
  })

  it('equals the message and frames of src/core, byte for byte', () => {
    const keys = keysOf(fixture.key, to)
    const message = fromHex(fixture.message)
    if (from === 'kept') {
      const said = fixture.head as unknown as PresenceMessage
      const sign = (head: Buffer) => keys.sign('presence', [to.app, to.stage, to.name], head)
      expect(toHex(encodePresence(said, sign))).toBe(fixture.message)
    } else if (!fixture.name.includes('compressed') && !fixture.name.includes('several')) {
      expect(toHex(encodeMessage(expected(fixture)))).toBe(fixture.message)
    }
    const base = { stub: keys.stub(fromHex(sender.tag)), peer: keys.peer, kept: keys.presence }
    const key = senderKey(base[from === 'session' ? 'stub' : from], sender.role, environment)
    expect(toHex(expand(base[from === 'session' ? 'stub' : from], sender.role, sender.id))).toBe(
      fixture.frameKey,
    )
    let offset = 0
    frames.forEach((frame, index) => {
      const part = message.subarray(offset, offset + fromHex(frame).length - FRAME_OVERHEAD)
      offset += part.length
      const header = encodeHeader({
        kind: sender.role,
        sender: environment,
        messageNumber: Number(messageNumber),
        index,
        count: frames.length,
        totalBytes: message.length,
      })
      const associated = new AssociatedData(header, encodeDestination(to))
      expect(toHex(key.seal(associated, part))).toBe(frame)
      if (index === 0) expect(toHex(associated.bytes)).toBe(fixture.associatedData)
    })
    expect(offset).toBe(message.length)
  })

  it('goes to the documented topic', () => {
    if (from === 'kept') return expect(keptTopicOf(to)).toBe(fixture.topic)
    const lane = from === 'stub' ? laneOf(sender.name) : 0
    expect(topicOf(to.role === 'session' ? { ...to, lane } : to)).toBe(fixture.topic)
  })
})

/** By the document: the stub's own choice of a lane is looked at below. */
function laneOf(stub: string): number {
  return createHash('sha256').update(stub).digest()[0]! % 16
}

describe.each(droppedFixtures)('the fixture of a dropped frame: $name', ({ from, frame }) => {
  it('is no message', () => {
    const to: Endpoint = from === 'session' ? { ...ask.to, role: 'stub', name: ask.sender.name } : ask.to
    const { channel, messages, discards, kept } = receiver({ to, key: shop.key })
    if (from === 'kept') return expect(kept(fromHex(frame))).toEqual([undefined, undefined])
    channel.receive(fromHex(frame))
    expect(messages).toEqual([])
    expect(discards).toHaveLength(1)
  })
})

describe('the fixtures', () => {
  it('cover every message, in one frame and in several, compressed and not', () => {
    const types = new Set(messageFixtures.map(({ head }) => head.type))
    const stub: StubMessage['type'][] = ['invoke', 'ask', 'presign', 'cancel', 'credit']
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
      chunk: true,
      end: true,
    }
    const peer: (PeerMessage | PresenceMessage)['type'][] = ['claim', 'displaced', 'presence']
    expect([...types].sort()).toEqual([...stub, ...Object.keys(session), ...peer].sort())
    expect(new Set(messageFixtures.map(({ frames }) => frames.length)).size).toBeGreaterThan(2)
  })

  it("name a stub by its sender id, the end of its environment's id", () => {
    for (const { from, sender, reference } of messageFixtures) {
      const [environment] = reference.split(':') as [string]
      expect(fromHex(sender.id).toString('base64url')).toBe(environment.slice(16))
      if (from === 'stub') expect(sender.name).toBe(environment.slice(16))
    }
  })

  it('contain the worked example of docs/protocol.md', () => {
    const document = readFileSync(DOCUMENT, 'utf8')
    const hex = [...document.matchAll(/^(?:[0-9a-f]{2})+(?=$| {2})/gm)].map(([line]) => line).join('')
    expect(hex).toBe(ask.message + ask.frames[0]!)
    const { key, stageKey, keyId, functions } = shop
    const { tag, stub, text } = functions[0]!
    const { sender, reference, frameKey, topic } = ask
    for (const value of [
      key,
      stageKey,
      keyId,
      tag,
      stub,
      text,
      sender.id,
      sender.name,
      reference,
      frameKey,
      topic,
    ]) {
      expect(document).toContain(`\`${value}\``)
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

  it('have a refusal that a stub reads and a session writes, byte for byte', () => {
    const frame = fromHex(refused.frame)
    const stub = receiver({ to: { ...ask.to, role: 'stub', name: ask.sender.name }, key: shop.key })
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
    expect(toHex(session.sent[0]!.frame)).toBe(refused.frame)
  })
})

describe('a reader', () => {
  const written = (head: object, ...more: Buffer[]) => {
    const json = Buffer.from(JSON.stringify(head))
    const table = [json, ...more].map((section, i) => {
      const entry = Buffer.alloc(5)
      entry[0] = i === 0 || section.length > 0 ? 0 : 255
      entry.writeUInt32BE(section.length, 1)
      return entry
    })
    return Buffer.concat([Buffer.of(table.length), ...table, json, ...more])
  }
  const byReference = fixtureNamed('invoke, by reference')

  it('ignores unknown fields, and treats missing sections as absent', () => {
    const later = { ...ask.head, later: [1] }
    expect(decodeMessage(written(later), stubShapes())).toEqual(later)
    const { head } = byReference
    for (const absent of [[], [Buffer.alloc(0)], [Buffer.alloc(0), Buffer.alloc(0)]]) {
      expect(decodeMessage(written(head, ...absent), stubShapes())).toMatchObject(head)
    }
  })

  it('accepts a head of 512 KiB and drops a larger one', () => {
    const padded = (bytes: number) => {
      const rest = JSON.stringify({ ...ask.head, later: '' }).length
      return written({ ...ask.head, later: 'x'.repeat(bytes - rest) })
    }
    expect(decodeMessage(padded(512 * 1024), stubShapes())).toMatchObject(ask.head)
    expect(() => decodeMessage(padded(512 * 1024 + 1), stubShapes())).toThrow(
      expect.objectContaining({ code: 'PROTOCOL' }),
    )
  })

  it.each([{ boundTo: null }, { type: 'chunk' }, { settled: undefined }, { epoch: -1 }, { nonce: 7 }])(
    'drops a message with %j',
    (wrong) => {
      expect(() => decodeMessage(written({ ...ask.head, ...wrong }), stubShapes())).toThrow(
        expect.objectContaining({ code: 'PROTOCOL' }),
      )
    },
  )
})

describe('src/core', () => {
  it('seals stored bodies as documented', () => {
    const body = Buffer.from('{"small":true}')
    const { secret, object } = sealBody(packBody(body))
    const cipher = createCipheriv('aes-256-gcm', Buffer.from(secret, 'base64url'), Buffer.alloc(12))
    cipher.setAAD(Buffer.from('lambda-tether stored body 1'))
    const sealed = [cipher.update(Buffer.concat([Buffer.of(0), body])), cipher.final(), cipher.getAuthTag()]
    expect(object.equals(Buffer.concat(sealed))).toBe(true)
  })

  it('sends a message of a stub on the documented lane, numbered from 0', async () => {
    await using tether = new Tether()
    await tether
      .session()
      .on('invoke', (invocation) => invocation.respond('ran'))
      .open()
    await tether.stub()('x', stubContext())
    const { to, frame } = tether.transport.passed.find(({ to: { role } }) => role === 'session')!
    const { header } = decodeHeader(frame)
    expect(to.lane).toBe(laneOf(header.sender.slice(16)))
    expect(header).toMatchObject({ kind: 'stub', messageNumber: 0, index: 0, count: 1 })
  })
})

describe('a session', () => {
  it('runs the invocation of a fixture and answers its stub', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const { to, sender, frames } = fixtureNamed('invoke')
    const events: unknown[] = []
    const session = tether.session({ key: shop.key }).on('invoke', (invocation) => {
      events.push({ event: invocation.event, env: invocation.env })
      return invocation.respond({ statusCode: 201 })
    })
    await session.open()
    await clock.advance(100_000)
    const self: Endpoint = { ...to, role: 'stub', name: sender.name }
    const stub = receiver({ to: self, key: shop.key })
    const connection = await tether.transport.connect(self, {
      onFrame: (frame) => stub.channel.receive(frame),
    })
    await connection.send({ ...to, lane: laneOf(sender.name) }, fromHex(frames[0]!))
    await settle()
    await connection.close()
    expect(events).toEqual([
      {
        event: { path: '/orders', body: '日本 \u2028 \x07' },
        env: { TABLE: 'orders', GREETING: 'grüß dich' },
      },
    ])
    expect(stub.messages).toMatchObject([
      { message: { type: 'result', body: Buffer.from('{"statusCode":201}') } },
    ])
  })
})

/** With its body packed, as stubs and sessions hand it over. */
function asSent(message: object): object {
  const { event, body } = message as { readonly event?: Uint8Array; readonly body?: Uint8Array }
  return { ...message, ...(event && { event: packBody(event) }), ...(body && { body: packBody(body) }) }
}

/** The frames that src/core makes of a fixture's message, under another key. */
async function sealed(fixture: MessageFixture, key: string): Promise<Uint8Array[]> {
  const { from, to, sender, head } = fixture
  const { app, stage } = to
  const self: Endpoint = { app, stage, role: sender.role, name: sender.name }
  const { channel, keys, sent } = receiver({ to: self, key, tag: sender.tag })
  if (from === 'kept') return [sealPresence(keys, to, head as unknown as PresenceMessage)]
  const message = asSent(expected(fixture)) as never
  if (from === 'session') {
    const scope = Buffer.from(keys.id + sender.tag, 'hex').toString('base64url')
    await channel.reply(scope + to.name, message)
  } else await channel.send(to, message)
  return sent.map(({ frame }) => frame)
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
        const frames = (await sealed(fixture, key)).map(toHex).reverse()
        return { key, to: fixture.to, kept: fixture.from === 'kept', frames }
      }),
    )
    const opened = JSON.parse(run(['--open'], JSON.stringify(given))) as {
      head: Record<string, unknown>
      sections: [number, string][]
    }[]
    opened.forEach(({ head, sections }, i) => {
      const fixture = messageFixtures[i]!
      expect(head).toEqual(fixture.head)
      // The script has verified the signature of presence.
      if (fixture.from === 'kept') return
      const bodies = sections.map(([encoding, bytes]) =>
        encoding === 255
          ? null
          : (encoding === 1 ? brotliDecompressSync(fromHex(bytes)) : fromHex(bytes)).toString('hex'),
      )
      expect(bodies).toEqual(fixture.sections)
    })
    expect(opened.length).toBe(messageFixtures.length)
    expect(given.some(({ frames }) => frames.length > 1)).toBe(true)
    const compressed = opened.filter(({ sections: [body] }) => body?.[0] === 1).map(({ head }) => head.type)
    expect(new Set(compressed)).toEqual(new Set(['invoke', 'result']))
  })
})
