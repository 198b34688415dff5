import type { AccountUnderTest } from './account.js'

/** A debug stack that is deployed: what `lambda-tether` needs to speak through it. */
export interface StackUnderTest {
  readonly endpoint: string
  readonly app: string
  readonly stage: string
  readonly key: string
}

/** What the program hands to the process of the tests. */
export interface AcceptanceSettings {
  readonly account: AccountUnderTest
  /** What everything of this run is named. */
  readonly run: string
  /** The folder of the report. */
  readonly report: string
  readonly stack?: StackUnderTest
}

/** The environment variable that holds them as JSON. Without it the tests make a local cloud. */
export const SETTINGS_VARIABLE = 'LAMBDA_TETHER_ACCEPTANCE'

/** What the program asked for; undefined where the tests run by themselves. */
export function settingsFromEnvironment(
  env: NodeJS.ProcessEnv = process.env,
): AcceptanceSettings | undefined {
  const text = env[SETTINGS_VARIABLE]
  return text === undefined ? undefined : (JSON.parse(text) as AcceptanceSettings)
}
