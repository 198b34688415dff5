import { type StubBundleName, stubBundle } from '../../stub/bundle.js'
import { zip } from './zip.js'

/**
 * Returns a stub as a function's whole code: a zip of one file, `index.cjs`, for the handler `index.handler`. It does
 * not depend on the time, so the same version always makes the same zip.
 * @throws TetherError `INVALID_OPTION` for an unknown name
 */
export function stubZip(name: StubBundleName): Uint8Array {
  return zip({ 'index.cjs': stubBundle(name).bytes })
}
