import { readFileSync } from 'node:fs'
import { runFile } from '../../run-files.js'
import { type StubBundleName, stubBundle } from '../../stub/bundle.js'
import { zip } from './zip.js'

/** Where a layer's wrapper lies in the function: what `AWS_LAMBDA_EXEC_WRAPPER` has to say. */
export const LAYER_WRAPPER = '/opt/lambda-tether/wrap'

/**
 * The layer that puts a stub in front of a Node function's own handler: set `AWS_LAMBDA_EXEC_WRAPPER` to
 * {@link LAYER_WRAPPER}, and what `stubEnvironment` returns. The same version makes the same zip again.
 * @throws TetherError `INVALID_OPTION` for a name that is none
 */
export function layerZip(name: StubBundleName): Uint8Array {
  const files = {
    'lambda-tether/wrap': readFileSync(runFile('wrap')),
    'lambda-tether/wrap-preload.mjs': readFileSync(runFile('wrap-preload')),
    'lambda-tether/wrapped.mjs': readFileSync(runFile('wrapped')),
    'lambda-tether/stub.cjs': stubBundle(name).bytes,
  }
  return zip(files, ['lambda-tether/wrap'])
}
