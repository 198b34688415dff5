import { readFileSync } from 'node:fs'
import { oneOf } from '../core/base/option-checks.js'
import { runFile } from '../run-files.js'

/** The prebuilt stubs: `iot` speaks to AWS IoT Core, `api-gateway` to the debug stack, `mqtt` to any MQTT broker. */
export type StubBundleName = 'iot' | 'api-gateway' | 'mqtt'

/** Their names. */
export const STUB_BUNDLES: readonly StubBundleName[] = ['iot', 'api-gateway', 'mqtt']

/** One self-contained CommonJS file whose export `handler` is the stub. */
export interface StubBundle {
  /** Where it lies; absolute. */
  readonly path: string
  /** Its content, for a zip of your own making. */
  readonly bytes: Uint8Array
}

/**
 * A stub to deploy: put it into a function as it is and set what `stubEnvironment` returns.
 * @throws TetherError `INVALID_OPTION` for a name that is none
 */
export function stubBundle(name: StubBundleName): StubBundle {
  oneOf(...STUB_BUNDLES)('name', name)
  const path = runFile(`stub-${name}`)
  return { path, bytes: readFileSync(path) }
}
