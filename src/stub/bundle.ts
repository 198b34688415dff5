import { readFileSync } from 'node:fs'
import { oneOf } from '../core/base/option-checks.js'
import { runFile } from '../run-files.js'

/** The prebuilt stubs: `iot` speaks to AWS IoT Core, `api-gateway` to the debug stack, `mqtt` to any MQTT broker. */
export type StubBundleName = 'iot' | 'api-gateway' | 'mqtt'

/** The names of the prebuilt stubs. */
export const STUB_BUNDLES: readonly StubBundleName[] = ['iot', 'api-gateway', 'mqtt']

/** A self-contained CommonJS file that exports the stub as `handler`. */
export interface StubBundle {
  /** Absolute path of the file. */
  readonly path: string
  /** The file's content, for a zip that you build yourself. */
  readonly bytes: Uint8Array
}

/**
 * Returns a stub to deploy: put the file into a function as is and set the variables that `stubEnvironment` returns.
 * @throws TetherError `INVALID_OPTION` for an unknown name
 */
export function stubBundle(name: StubBundleName): StubBundle {
  oneOf(...STUB_BUNDLES)('name', name)
  const path = runFile(`stub-${name}`)
  return { path, bytes: readFileSync(path) }
}
