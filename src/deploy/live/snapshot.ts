import { randomBytes } from 'node:crypto'
import { snapshotKeyId } from '../snapshot/format.js'
import type { LiveMode, Snapshot } from '../snapshot/snapshot.js'
import type { FunctionDetails } from './function.js'
import type { CompleteLiveOptions } from './options.js'
import { stubRuntime } from './target.js'

/** Additions to a snapshot when a function gets other settings. */
export type LiveTraces = Pick<Snapshot['live'], 'timeoutSeconds' | 'codeSha256'> &
  Pick<Snapshot, 'policies' | 'keyId'>

/** Returns a snapshot of a function in its present state, before any change. */
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

/** Returns the id of the key that authenticates new snapshots. */
export function currentKeyId({ stub, roots }: Pick<CompleteLiveOptions, 'stub' | 'roots'>): string {
  return snapshotKeyId(roots[0] as Uint8Array, stub)
}

/** Returns the snapshot with settings that are about to be applied, or that another run has applied. */
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
