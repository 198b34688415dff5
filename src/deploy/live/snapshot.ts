import { randomBytes } from 'node:crypto'
import { snapshotKeyId } from '../snapshot/format.js'
import type { LiveMode, Snapshot } from '../snapshot/snapshot.js'
import type { FunctionDetails } from './function.js'
import type { CompleteLiveOptions } from './options.js'
import { stubRuntime } from './target.js'

/** What a snapshot learns when a function gets other settings. */
export type LiveTraces = Pick<Snapshot['live'], 'timeoutSeconds' | 'codeSha256'> &
  Pick<Snapshot, 'policies' | 'keyId'>

/** A snapshot of a function as it is now, of which nothing is changed yet. */
export function newSnapshot(
  { facts, functionArn }: Pick<FunctionDetails, 'facts' | 'functionArn'>,
  mode: LiveMode,
  { stub, clock, roots }: Pick<CompleteLiveOptions, 'stub' | 'clock' | 'roots'>,
): Snapshot {
  return {
    version: 2,
    id: randomBytes(8).toString('hex'),
    keyId: currentKeyId({ stub, roots }),
    functionArn,
    takenAt: new Date(clock.now()).toISOString(),
    app: stub.app,
    stage: stub.stage,
    mode,
    original: facts,
    live: { timeoutSeconds: [], codeSha256: [], ...stubRuntime(facts) },
    policies: [],
  }
}

/** The id of the key that authenticates what is written now. */
export function currentKeyId({ stub, roots }: Pick<CompleteLiveOptions, 'stub' | 'roots'>): string {
  return snapshotKeyId(roots[0] as Uint8Array, stub)
}

/** A snapshot that also knows what is about to be set, or what another run has set. */
export function merged(snapshot: Snapshot, traces: LiveTraces): Snapshot {
  const { live, policies } = snapshot
  const added = traces.policies.filter(
    (one) => !policies.some(({ roleName, session }) => roleName === one.roleName && session === one.session),
  )
  return {
    ...snapshot,
    keyId: traces.keyId,
    live: {
      ...live,
      timeoutSeconds: [...new Set([...live.timeoutSeconds, ...traces.timeoutSeconds])],
      codeSha256: [...new Set([...live.codeSha256, ...traces.codeSha256])],
    },
    policies: [...policies, ...added],
  }
}
