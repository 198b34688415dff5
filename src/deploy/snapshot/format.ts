import { createHmac, timingSafeEqual } from 'node:crypto'
import { TetherError } from '../../core/base/errors.js'
import { checkText, listOf, matching, oneOf, recordOf, wholeNumber } from '../../core/base/option-checks.js'
import { invalidOption, optionsOf, required } from '../../core/base/options.js'
import { checkName, checkPart } from '../../core/contracts/transport.js'
import { expand, stageKey, stageKeyId } from '../../core/wire/derivation.js'
import { TEAM_POLICY } from '../names.js'
import type { FunctionFacts, Snapshot, SnapshotPolicy } from './snapshot.js'

/** The reason why a snapshot cannot be used; `details.reason` of a `STORE_FAILED`. */
export type SnapshotFault =
  /** Not a snapshot, or incomplete. */
  | 'malformed'
  /** Authenticated with a key that this side does not have. */
  | 'key'
  /** Altered, or made without a key. */
  | 'forged'

/** A snapshot, or its fault. */
export type ReadSnapshot =
  | { readonly snapshot: Snapshot }
  | { readonly fault: SnapshotFault; readonly problem: string }

/** A snapshot with its authentication code: HMAC-SHA-256, base64url. */
type Sealed = Snapshot & { readonly code: string }

const checkSha256 = matching(/^[A-Za-z0-9+/]{43}=$/, 'a SHA-256 in base64')
const checkSeconds = wholeNumber(1, 900)

// A secret: no message may show it.
const checkValue = (name: string, value: unknown) => {
  if (typeof value !== 'string') throw invalidOption(name, 'must be a text')
}

const checkSealed = optionsOf<Sealed>({
  version: required((name, value) => {
    if (value !== 2) throw invalidOption(name, 'must be 2: it was made by another version of lambda-tether')
  }),
  id: required(matching(/^[0-9a-f]{16}$/, 'a random id')),
  keyId: required(matching(/^[0-9a-f]{8}$/, "a key's id")),
  functionArn: required(checkText),
  takenAt: required(matching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'a time')),
  app: required(checkPart),
  stage: required(checkPart),
  mode: required(oneOf('wrap', 'replace')),
  original: required(
    optionsOf<FunctionFacts>({
      codeSha256: required(checkSha256),
      codeBytes: required(wholeNumber(0)),
      runtime: required(checkText),
      handler: required(checkText),
      layers: required(listOf("a list of layers' ARNs", checkText)),
      timeoutSeconds: required(checkSeconds),
      memoryMb: required(wholeNumber(1)),
      environment: required(recordOf('an object of variables', checkValue)),
    }),
  ),
  live: required(
    optionsOf<Snapshot['live']>({
      timeoutSeconds: required(listOf('a list of time-outs', checkSeconds)),
      codeSha256: required(listOf('a list of hashes', checkSha256)),
      runtime: required(checkText),
      handler: required(checkText),
    }),
  ),
  policies: required(
    listOf(
      'a list of policies',
      optionsOf<SnapshotPolicy>({
        roleName: required(matching(/^[\w+=,.@-]{1,64}$/, "a role's name")),
        session: required((name, value) => {
          if (value !== TEAM_POLICY) checkName(name, value)
        }),
      }),
    ),
  ),
  code: required(matching(/^[\w-]{43}$/, 'an authentication code')),
})

/** Returns the id of the stage's key that is derived from a root key. */
export function snapshotKeyId(root: Uint8Array, stage: Pick<Snapshot, 'app' | 'stage'>): string {
  return stageKeyId(stageKey(root, stage))
}

/**
 * Serialises a snapshot as JSON, with a code that reveals changes.
 * @param roots must include the key that the snapshot's `keyId` names
 */
export function snapshotBytes(snapshot: Snapshot, roots: readonly Uint8Array[]): Uint8Array {
  const root = rootOf(snapshot, roots)
  if (root === undefined) throw new TetherError('INVALID_OPTION', `There is no key ${snapshot.keyId}.`)
  return Buffer.from(JSON.stringify({ ...snapshot, code: codeOf(snapshot, root).toString('base64url') }))
}

/**
 * Reads the output of {@link snapshotBytes}: checks each field, and the code.
 * @param roots without any, the snapshot's author is unknown
 */
export function readSnapshotBytes(bytes: Uint8Array, roots: readonly Uint8Array[]): ReadSnapshot {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'))
  } catch {
    return { fault: 'malformed', problem: 'it is no JSON, or cut off' }
  }
  try {
    checkSealed('snapshot', value)
  } catch (error) {
    if (!(error instanceof TetherError)) throw error
    return { fault: 'malformed', problem: error.message.replace(/\.$/, '') }
  }
  const { code, ...snapshot } = value as Sealed
  if (roots.length === 0) return { snapshot }
  const root = rootOf(snapshot, roots)
  if (root === undefined) {
    const ids = roots.map((one) => snapshotKeyId(one, snapshot)).join(', ')
    const problem = `it was made with key ${snapshot.keyId}, and you gave ${ids}. Give the key with which the function went live as 'key'`
    return { fault: 'key', problem }
  }
  if (timingSafeEqual(codeOf(snapshot, root), Buffer.from(code, 'base64url'))) return { snapshot }
  return { fault: 'forged', problem: 'its authentication code is wrong: somebody changed it' }
}

function rootOf(snapshot: Snapshot, roots: readonly Uint8Array[]): Uint8Array | undefined {
  return roots.find((root) => snapshotKeyId(root, snapshot) === snapshot.keyId)
}

/** Returns the code over all fields of a snapshot, regardless of their order. */
function codeOf(snapshot: Snapshot, root: Uint8Array): Buffer {
  const key = expand(stageKey(root, snapshot), 'snapshot')
  return createHmac('sha256', key).update(JSON.stringify(snapshot, inOrder)).digest()
}

function inOrder(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}
