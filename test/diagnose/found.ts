import { type DiagnoseOptions, type Diagnosis, diagnose } from '../../src/diagnose/index.js'
import { generateKey } from '../../src/index.js'

/** A diagnosis, by the ids of its checks. */
export interface Found {
  readonly diagnosis: Diagnosis
  readonly outcomes: Readonly<Record<string, string>>
  readonly seen: Readonly<Record<string, string>>
  readonly advice: Readonly<Record<string, string | undefined>>
}

export const key = generateKey()
export const place = { app: 'shop', stage: 'dev', key }

/** Diagnoses, and listens for as long as a broker in this process needs. */
export async function found(
  options: Partial<DiagnoseOptions> & Pick<DiagnoseOptions, 'transport'>,
): Promise<Found> {
  const diagnosis = await diagnose({ ...place, listenMs: 50, ...options })
  const by = <T>(of: (check: Diagnosis['checks'][number]) => T) =>
    Object.fromEntries(diagnosis.checks.map((check) => [check.id, of(check)]))
  return {
    diagnosis,
    outcomes: by(({ outcome }) => outcome),
    seen: by(({ seen }) => seen),
    advice: by(({ advice }) => advice),
  }
}

/** The checks before an upgrade, all passed. */
export const PASSED = {
  credentials: 'ok',
  region: 'ok',
  endpoint: 'ok',
  proxy: 'ok',
  resolve: 'ok',
  socket: 'ok',
  clock: 'ok',
}
