import fc from 'fast-check'
import { expect, it } from 'vitest'
import { headOfLine, lineOf } from '../../src/recorder/disk/format.js'
import { sliceFields } from '../../src/recorder/disk/json-slices.js'
import { readLine } from '../../src/recorder/disk/stored-record.js'
import type { InvocationRecord } from '../../src/recorder/index.js'
import { redactRecord } from '../../src/recorder/redact/redact-record.js'
import { numberedMarks, RuleBook } from '../../src/recorder/redact/rules.js'
import { recordOf } from './record-of.js'

const book = new RuleBook({})

function written(record: InvocationRecord): string {
  const { line, blobs } = lineOf(record, redactRecord(record, book.rulesFor(record, numberedMarks())))
  expect(blobs).toEqual([])
  expect(line.indexOf('\n')).toBe(line.length - 1)
  return line.slice(0, -1)
}

const readBack = async (record: InvocationRecord) => (await readLine('/nowhere', written(record)))!

it('a written record reads back as it was, byte by byte', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.json({ stringUnit: 'grapheme' }),
      fc.json(),
      fc.string(),
      async (event, response, text) => {
        const record = recordOf(Buffer.from(event), Buffer.from(response), {
          logs: [{ stream: 'stderr', text, time: 1, atMs: 2 }],
        })
        const back = await readBack(record)
        if (back.redacted.length > 0) return
        expect(Buffer.from(back.eventBytes).toString()).toBe(event)
        expect(back.event).toEqual(JSON.parse(event))
        expect(back.outcome).toMatchObject({ kind: 'value', body: Buffer.from(response) })
        expect(back.logs).toEqual(record.logs)
        expect(JSON.parse(written(record))).toMatchObject({ event: JSON.parse(event) })
      },
    ),
  )
})

it('bytes that are not JSON come back as they were', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1 }), async (bytes) => {
      const back = await readBack(recordOf(bytes))
      if (back.redacted.length === 0) expect([...back.eventBytes].map(String)).toEqual(asWritten(bytes))
    }),
  )
})

// JSON such as ` 1\n`, which random bytes are now and then, is written without line breaks.
function asWritten(bytes: Uint8Array): string[] {
  try {
    JSON.parse(Buffer.from(bytes).toString())
    return [...bytes].map((byte) => String(byte === 0x0a || byte === 0x0d ? 0x20 : byte))
  } catch {
    return [...bytes].map(String)
  }
}

it.each([
  ['numbers that JavaScript has not', '{"big":12345678901234567890,"one":1.0}'],
  ['escapes of another writer', '{"text":"\\u00e4\\/"}'],
])('%s stay', async (_, event) => {
  expect(Buffer.from((await readBack(recordOf(Buffer.from(event)))).eventBytes).toString()).toBe(event)
})

it('line breaks between tokens become spaces', async () => {
  const event = '{\r\n  "a": "b\\n"\n}'
  const back = await readBack(recordOf(Buffer.from(event)))
  expect(Buffer.from(back.eventBytes).toString()).toBe('{    "a": "b\\n" }')
})

it.each([
  [{ outcome: undefined, timing: { receivedMs: 1, limitMs: 2 } }],
  [{ outcome: { kind: 'declined' as const, reason: 'it serves nothing' } }],
  [{ outcome: { kind: 'error' as const, error: { errorType: 'E', errorMessage: 'm', trace: ['E: m'] } } }],
  [{ stream: { contentType: 'text/plain', bytes: 5, chunks: [{ bytes: 5, atMs: 1.5 }] } }],
  [{ rerun: true, mirrored: 'event' as const, replayed: true, droppedLogs: 3, redacted: ['/event/a'] }],
])('all of a record is there: %j', async (overrides) => {
  const record = recordOf({ a: 1 }, null, overrides)
  const { eventBytes, event, outcome, ...back } = await readBack(record)
  const { eventBytes: _, event: was, outcome: ended, ...expected } = record
  expect({ ...back }).toEqual(expected)
  expect(event).toEqual(was)
  if (ended?.kind !== 'value') expect(outcome).toEqual(ended)
})

it('a head is read without the rest, and without its end', () => {
  const line = written(recordOf({ a: '}"\\' }))
  const head = headOfLine(line.slice(0, 600))
  expect(head).toEqual({
    id: 'AAAAAAAAAAAAAAAAAAAAAA',
    functionId: 'api',
    environmentId: 'BBBBBBBBBBBBBBBBBBBBBB',
    requestId: '11111111-2222-4333-8444-555555555555',
    at: '2026-11-30T07:00:00.123Z',
    trigger: 'direct',
    rerun: false,
    mirrored: false,
    replayed: false,
    outcome: 'value',
    durationMs: 4,
    eventBytes: 13,
  })
  expect(headOfLine(line.slice(0, 100))).toBeUndefined()
})

it('fields are slices of the text, and undefined if its end is missing', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(), (object, cut) => {
      const text = JSON.stringify(object)
      const fields = sliceFields(text)!
      expect(Object.fromEntries([...fields].map(([name, value]) => [name, JSON.parse(value)]))).toEqual(
        JSON.parse(text),
      )
      const end = cut % text.length
      if (end > 0) expect(sliceFields(text.slice(0, end))).toBeUndefined()
    }),
  )
})
