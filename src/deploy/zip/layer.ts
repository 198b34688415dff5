import { readFileSync } from 'node:fs'
import { runFile } from '../../run-files.js'
import { type StubBundleName, stubBundle } from '../../stub/bundle.js'
import { zip } from './zip.js'

/** Path of the layer's wrapper in the function: the value for `AWS_LAMBDA_EXEC_WRAPPER`. */
export const LAYER_WRAPPER = '/opt/lambda-tether/wrap'

/**
 * Returns the layer that puts a stub in front of a Node function's own handler. Set `AWS_LAMBDA_EXEC_WRAPPER` to
 * {@link LAYER_WRAPPER}, and the variables from `stubEnvironment`. The same version always makes the same zip.
 * @throws TetherError `INVALID_OPTION` for an unknown name
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
