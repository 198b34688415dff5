import { type StubBundleName, stubBundle } from '../../stub/bundle.js'
import { zip } from './zip.js'

/**
 * A stub as a function's whole code: a zip of one file, `index.cjs`, for the handler `index.handler`. It does
 * not depend on the time, so the same version makes the same zip again.
 * @throws TetherError `INVALID_OPTION` for a name that is none
 */
export function stubZip(name: StubBundleName): Uint8Array {
  return zip({ 'index.cjs': stubBundle(name).bytes })
}
