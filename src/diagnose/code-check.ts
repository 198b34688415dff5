import type { Finding } from '../core/contracts/diagnosis.js'
import { findLayer, layerOf } from '../deploy/live/layer.js'
import { isOurLayer, stubRuntime } from '../deploy/live/target.js'
import { layerPrefixOf } from '../deploy/names.js'
import { codeHash } from '../deploy/snapshot/snapshot.js'
import { LAYER_WRAPPER } from '../deploy/zip/layer.js'
import { stubZip } from '../deploy/zip/stub.js'
import type { FoundFunction } from './found-function.js'

const AGAIN = 'Run goLive() with this version of lambda-tether.'

/** Checks that the function contains the stub, as its layer or as its code. */
export async function codeFinding(one: FoundFunction, signal: AbortSignal): Promise<Finding> {
  const { found, bundle } = one
  const { facts } = found
  if (bundle === undefined) return { outcome: 'unknown', seen: `No stub is built for ${one.transport}.` }
  if (facts.environment.AWS_LAMBDA_EXEC_WRAPPER === LAYER_WRAPPER) return layerFinding(one, signal)
  const own = codeHash(stubZip(bundle))
  const { handler } = stubRuntime(facts)
  if (facts.codeSha256 === own) {
    const seen = `Its code is the stub '${bundle}' of this version.`
    return facts.handler === handler
      ? { outcome: 'ok', seen }
      : { outcome: 'failed', seen, advice: `Its handler is ${facts.handler}: set ${handler}.` }
  }
  const seen = `AWS_LAMBDA_EXEC_WRAPPER is not ${LAYER_WRAPPER}, and its code is not what stubZip('${bundle}') of this version makes.`
  const advice = `Unless you deployed a stub of your own making: ${AGAIN}`
  return { outcome: 'warning', seen, advice }
}

async function layerFinding(
  { found, bundle, account, session }: FoundFunction,
  signal: AbortSignal,
): Promise<Finding> {
  const { layers } = found.facts
  if (layers.length === 0) {
    const seen = 'AWS_LAMBDA_EXEC_WRAPPER is set, and the function has no layer: it cannot start.'
    return { outcome: 'failed', seen, advice: AGAIN }
  }
  const prefix = layerPrefixOf(session)
  const ours = layers.find((arn) => isOurLayer(arn, prefix))
  if (ours === undefined) {
    const seen = `Of its layers, none has the name that goLive() gives: ${layers.join(', ')}.`
    return { outcome: 'unknown', seen, advice: `One of them has to be what layerZip('${bundle}') makes.` }
  }
  if (!ours.includes(`:${prefix}${bundle}:`)) {
    const seen = `Its layer is ${ours}, which is not for '${bundle}'.`
    return { outcome: 'failed', seen, advice: AGAIN }
  }
  const current = await findLayer(account, layerOf(prefix, bundle!), signal)
  if (current === ours) return { outcome: 'ok', seen: `Its layer is ${ours}, of this version.` }
  return {
    outcome: 'warning',
    seen: `Its layer is ${ours}, of another version of lambda-tether.`,
    advice: AGAIN,
  }
}
