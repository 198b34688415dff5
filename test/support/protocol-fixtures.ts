import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Endpoint } from '../../src/core/contracts/transport.js'
import type { Message } from '../../src/core/wire/protocol.js'
import type { Refusal } from '../../src/core/wire/refusal.js'

/** One message, sealed: what went in, what came of it on the way, and its frames. Bytes are hex. */
export interface MessageFixture {
  readonly name: string
  readonly from: 'stub' | 'session' | 'peer'
  readonly sender: { readonly role: 'stub' | 'session'; readonly name: string; readonly id: string }
  readonly to: Endpoint
  readonly topic: string
  readonly messageNumber: number
  readonly senderKey: string
  readonly associatedData: string
  readonly message: string
  readonly head: Record<string, unknown> & { readonly type: Message['type'] }
  readonly sections: readonly (string | null)[]
  readonly frames: readonly string[]
}
interface NamesFixture {
  readonly key: string
  readonly keyId: string
  readonly clientIdPrefixes: Readonly<Record<'stub' | 'session', string>>
}
interface StoredBodyFixture {
  readonly name: string
  readonly secret: string
  readonly body: string
  readonly object: string
}
interface RefusedFixture {
  readonly says: Refusal
  readonly frame: string
}

/** What `make.py`, in its folder, prints. */
export const FILE = fileURLToPath(new URL('../fixtures/protocol/fixtures.jsonl', import.meta.url))
const lines = readFileSync(FILE, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as { readonly fixture: string })
const all = <F>(kind: string) => lines.filter(({ fixture }) => fixture === kind) as unknown as F[]
export const names = all<NamesFixture>('names')[0]!
export const messageFixtures = all<MessageFixture>('message')
export const storedBodies = all<StoredBodyFixture>('stored body')
export const refused = all<RefusedFixture>('refused')[0]!
