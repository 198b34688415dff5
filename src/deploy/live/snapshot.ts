import { randomBytes } from 'node:crypto'
import type { LiveMode, Snapshot } from '../snapshot/snapshot.js'
import type { FunctionDetails } from './function.js'
import type { CompleteLiveOptions } from './options.js'
import { stubRuntime } from './target.js'

/** What a snapshot learns when a function gets other settings. */
export type LiveTraces = Pick<Snapshot['live'], 'timeoutSeconds' | 'codeSha256'> & Pick<Snapshot, 'policies'>

/** A snapshot of a function as it is now, of which nothing is changed yet. */
export function newSnapshot(
  { facts, functionArn }: Pick<FunctionDetails, 'facts' | 'functionArn'>,
  mode: LiveMode,
  { stub, clock }: Pick<CompleteLiveOptions, 'stub' | 'clock'>,
): Snapshot {
  return {
    version: 1,
    id: randomBytes(8).toString('hex'),
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

/** A snapshot that also knows what is about to be set, or what another run has set. */
export function merged(snapshot: Snapshot, traces: LiveTraces): Snapshot {
  const { live, policies } = snapshot
  const added = traces.policies
    .map(({ roleName, policyName }) => ({ roleName, policyName }))
    .filter(
      (one) =>
        !policies.some(
          ({ roleName, policyName }) => roleName === one.roleName && policyName === one.policyName,
        ),
    )
  return {
    ...snapshot,
    live: {
      ...live,
      timeoutSeconds: [...new Set([...live.timeoutSeconds, ...traces.timeoutSeconds])],
      codeSha256: [...new Set([...live.codeSha256, ...traces.codeSha256])],
    },
    policies: [...policies, ...added],
  }
}
