import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Refusal } from '../../src/core/wire/refusal.js'
import type { Endpoint } from '../../src/index.js'

/** Who sends: `peer` is from session to session, `kept` what a broker keeps for a session's name. */
export type FixtureSender = 'stub' | 'session' | 'peer' | 'kept'

/** The keys of one application's stage. Bytes are hex. */
export interface StageFixture {
  readonly key: string
  readonly app: string
  readonly stage: string
  readonly stageKey: string
  readonly keyId: string
  readonly presence: string
  readonly peer: string
  readonly snapshot: string
  readonly seed: string
  readonly public: string
  /** Each function's; with `functionId` null, the key of any function. */
  readonly functions: readonly {
    readonly functionId: string | null
    readonly tag: string
    readonly stub: string
    readonly text: string
  }[]
  readonly clientIdPrefixes: Readonly<Record<'stub' | 'session', string>>
}
/** One message, sealed: what went in, what came of it on the way, and its frames. Bytes are hex. */
export interface MessageFixture {
  readonly name: string
  readonly from: FixtureSender
  readonly key: string
  readonly sender: {
    readonly role: 'stub' | 'session'
    readonly name: string
    readonly id: string
    readonly tag: string
  }
  readonly to: Endpoint
  readonly topic: string
  readonly reference: string
  readonly frameKey: string
  readonly associatedData: string
  readonly message: string
  readonly head: Record<string, unknown> & { readonly type: string }
  readonly sections: readonly (string | null)[]
  readonly frames: readonly string[]
}
/** A frame that is sealed as it should be and breaks a rule. */
export interface DroppedFixture {
  readonly name: string
  readonly from: FixtureSender
  readonly frame: string
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
/** What a session signs when it connects to a relay. */
interface ConnectFixture {
  readonly key: string
  readonly parts: readonly (string | number)[]
  readonly statement: string
  readonly signature: string
}

/** What `make.py`, in its folder, prints. */
export const FILE = fileURLToPath(new URL('../fixtures/protocol/fixtures.jsonl', import.meta.url))
const lines = readFileSync(FILE, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as { readonly fixture: string })
const all = <F>(kind: string) => lines.filter(({ fixture }) => fixture === kind) as unknown as F[]
export const stages = all<StageFixture>('stage')
export const messageFixtures = all<MessageFixture>('message')
export const droppedFixtures = all<DroppedFixture>('dropped')
export const storedBodies = all<StoredBodyFixture>('stored body')
export const refused = all<RefusedFixture>('refused')[0]!
export const connect = all<ConnectFixture>('connect')[0]!
