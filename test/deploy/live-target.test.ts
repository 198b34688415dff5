import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/core/base/clock.js'
import type { LiveMode } from '../../src/deploy/index.js'
import { difference } from '../../src/deploy/live/function.js'
import { merged, newSnapshot } from '../../src/deploy/live/snapshot.js'
import {
  deviations,
  isTouched,
  type LiveSettings,
  liveConfiguration,
  raisedTimeouts,
  restoredConfiguration,
  SNAPSHOT_VARIABLE,
} from '../../src/deploy/live/target.js'
import type { FunctionFacts, Snapshot } from '../../src/deploy/snapshot/snapshot.js'

const PREFIX = 'lambda-tether-app-dev-00000000-'
const layer = (name: string) => `arn:aws:lambda:eu-west-1:123456789012:layer:${name}:1`

const variables = fc.dictionary(
  fc.constantFrom('OWN', 'OTHER', 'NODE_OPTIONS', 'AWS_LAMBDA_EXEC_WRAPPER'),
  fc.constantFrom('1', '2', '/opt/own/wrap', '/opt/lambda-tether/mine'),
)
const facts: fc.Arbitrary<FunctionFacts> = fc.record({
  codeSha256: fc.constantFrom('a', 'b'),
  codeBytes: fc.constant(1),
  runtime: fc.constantFrom('nodejs22.x', 'nodejs24.x', 'python3.12'),
  handler: fc.constantFrom('index.handler', 'app.handler'),
  layers: fc.uniqueArray(fc.constantFrom('one', 'two', 'three').map(layer), { maxLength: 3 }),
  timeoutSeconds: fc.integer({ min: 1, max: 900 }),
  memoryMb: fc.constant(128),
  environment: variables,
})
const settings = (mode: LiveMode) =>
  fc.record(
    {
      mode: fc.constant(mode),
      variables: fc.constantFrom(
        { LAMBDA_TETHER_KEY: 'x' },
        { LAMBDA_TETHER_KEY: 'y', LAMBDA_TETHER_MODE: 'mirror' },
      ),
      layerPrefix: fc.constant(PREFIX),
      layerArn: fc.constantFrom(layer(`${PREFIX}iot`), layer(`${PREFIX}mqtt`)),
      timeoutSeconds: fc.integer({ min: 1, max: 900 }),
    },
    { requiredKeys: ['mode', 'variables', 'layerPrefix', 'layerArn'] },
  )

function snapshotOf(original: FunctionFacts, mode: LiveMode): Snapshot {
  const functionArn = 'arn:aws:lambda:eu-west-1:123456789012:function:f'
  const stub = { app: 'app', stage: 'dev', key: 'k', url: 'x' }
  const snapshot = newSnapshot({ facts: original, functionArn }, mode, {
    stub,
    clock: systemClock,
    roots: [Buffer.alloc(32)],
  })
  return merged(snapshot, {
    timeoutSeconds: [],
    codeSha256: mode === 'replace' ? ['stub'] : [],
    policies: [],
    keyId: snapshot.keyId,
  })
}

/** As going live does it: the snapshot knows of a time-out before the function gets it. */
function goLive(
  now: FunctionFacts,
  before: Snapshot,
  one: LiveSettings,
): { now: FunctionFacts; snapshot: Snapshot } {
  const timeoutSeconds = raisedTimeouts(now, before, one)
  const snapshot = merged(before, { timeoutSeconds, codeSha256: [], policies: [], keyId: before.keyId })
  return { now: { ...now, ...liveConfiguration(now, snapshot, one) }, snapshot }
}

describe.each(['wrap', 'replace'] as const)('%s', (mode) => {
  it('any function comes back as it was, however often its settings change', () => {
    fc.assert(
      fc.property(facts, fc.array(settings(mode), { minLength: 1, maxLength: 4 }), (original, all) => {
        let [now, snapshot] = [original, snapshotOf(original, mode)]
        for (const one of all) {
          ;({ now, snapshot } = goLive(now, snapshot, one))
          // Once more changes nothing.
          expect(goLive(now, snapshot, one)).toEqual({ now, snapshot })
          expect(isTouched(now, snapshot, PREFIX)).toBe(true)
        }
        const restored = { ...now, ...restoredConfiguration(now, snapshot, PREFIX) }
        expect(deviations(restored, original)).toEqual([])
        expect(isTouched(restored, snapshot, PREFIX)).toBe(false)
        expect(difference(restored, restoredConfiguration(restored, snapshot, PREFIX))).toBeUndefined()
      }),
    )
  })

  it('a third party’s changes meanwhile stay', () => {
    const seconds = fc.integer({ min: 1, max: 900 })
    fc.assert(
      fc.property(facts, settings(mode), variables, seconds, (original, one, theirs, timeoutSeconds) => {
        const live = goLive(original, snapshotOf(original, mode), one)
        fc.pre(timeoutSeconds !== live.now.timeoutSeconds)
        const { NODE_OPTIONS: _, AWS_LAMBDA_EXEC_WRAPPER: __, ...changed } = theirs
        const environment = { ...live.now.environment, ...changed }
        const layers = [...live.now.layers, layer('theirs')]
        const { now, snapshot } = goLive(
          { ...live.now, environment, layers, timeoutSeconds },
          live.snapshot,
          one,
        )
        const restored = { ...now, ...restoredConfiguration(now, snapshot, PREFIX) }
        expect(restored.environment).toMatchObject(changed)
        if (mode === 'wrap') expect(restored.layers).toEqual([...original.layers, layer('theirs')])
        // What we had to raise anew has lost what it was.
        const raised = timeoutSeconds < (one.timeoutSeconds ?? 0)
        expect(restored.timeoutSeconds).toBe(raised ? original.timeoutSeconds : timeoutSeconds)
        expect(Object.keys(restored.environment).filter((name) => /^LAMBDA_TETHER_/.test(name))).toEqual([])
      }),
    )
  })
})

it('a stub that was deployed in another way is left alone', () => {
  const original: FunctionFacts = {
    codeSha256: 'a',
    codeBytes: 1,
    runtime: 'nodejs22.x',
    handler: 'index.handler',
    layers: [],
    timeoutSeconds: 3,
    memoryMb: 128,
    environment: {},
  }
  const snapshot = snapshotOf(original, 'replace')
  const byHand = { ...original, codeSha256: 'stub', environment: { LAMBDA_TETHER_KEY: 'x' } }
  expect(isTouched(byHand, snapshot, PREFIX)).toBe(false)
  expect(isTouched({ ...byHand, environment: {} }, snapshot, PREFIX)).toBe(true)
  expect(isTouched({ ...byHand, environment: { [SNAPSHOT_VARIABLE]: snapshot.id } }, snapshot, PREFIX)).toBe(
    true,
  )
  expect(isTouched({ ...byHand, environment: { [SNAPSHOT_VARIABLE]: 'other' } }, snapshot, PREFIX)).toBe(
    false,
  )
})
