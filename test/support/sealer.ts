import { randomBytes } from 'node:crypto'
import { ANY_FUNCTION } from '../../src/core/wire/derivation.js'
import {
  AssociatedData,
  encodeDestination,
  encodeHeader,
  type FrameHeader,
  writeScope,
} from '../../src/core/wire/frame.js'
import { rootKey, StageKeys } from '../../src/core/wire/root-key.js'
import { senderKey } from '../../src/core/wire/seal.js'
import type { Endpoint } from '../../src/index.js'

type Role = Endpoint['role']
type Numbers = Partial<Pick<FrameHeader, 'messageNumber' | 'index' | 'count' | 'totalBytes'>>

const known = new Map<string, StageKeys>()

/** Making them costs more than a test that needs thousands has. */
function keysOf(root: string, { app, stage }: Pick<Endpoint, 'app' | 'stage'>): StageKeys {
  const name = JSON.stringify([root, app, stage])
  const keys = known.get(name) ?? new StageKeys(rootKey('key', root), { app, stage })
  known.set(name, keys)
  return keys
}

/** Who has a key, and seals whatever it likes: as a stub of a function, or as a session to its stubs and to other sessions. */
export class Sealer {
  /** Its sender id, which a stub has as its name. */
  readonly name = randomBytes(16).toString('base64url')
  readonly #keys: StageKeys
  readonly #role: Role
  readonly #tag: Buffer
  #messages = 0

  /** @param functionId whose key it has; `*` is that of the whole stage */
  constructor(root: string, self: Pick<Endpoint, 'app' | 'stage' | 'role'>, functionId = 'api') {
    this.#keys = keysOf(root, self)
    this.#role = self.role
    this.#tag = functionId === '*' ? ANY_FUNCTION : this.#keys.tagOf(functionId)
  }

  /** As a session knows it: 38 letters. */
  get environment(): string {
    return writeScope(this.#keys.id, this.#tag) + this.name
  }

  /** An authentic frame: by default a whole message's only one. */
  frame(to: Endpoint, part: Uint8Array, header: Numbers = {}): Buffer {
    const kind = this.#role
    const isPeer = to.role === kind
    const sender = isPeer ? writeScope(this.#keys.id, ANY_FUNCTION) + this.name : this.environment
    const base = isPeer ? this.#keys.peer : this.#keys.stub(this.#tag)
    const numbers = { messageNumber: this.#messages++, index: 0, count: 1, totalBytes: part.length }
    const head = encodeHeader({ kind, sender, ...numbers, ...header })
    return senderKey(base, kind, sender).seal(new AssociatedData(head, encodeDestination(to)), part)
  }
}
