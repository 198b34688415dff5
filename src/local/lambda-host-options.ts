import { type Clock, systemClock } from '../core/clock.js'
import type { LocalCredentials } from './function-definition.js'

/** How to run functions. */
export interface LambdaHostOptions {
  /** @default 'us-east-1' */
  readonly region?: string
  /** Twelve digits. @default '123456789012' */
  readonly accountId?: string
  /** What functions get as their role's credentials. @default made up */
  readonly credentials?: LocalCredentials
  /** Environment variables of every function, outside Lambda's 4 KB; a function's own win. @default none */
  readonly environment?: Readonly<Record<string, string>>
  /** How long an unused execution environment lives, in milliseconds. @default 600000, ten minutes */
  readonly idleMs?: number
  /** How long a start may take before it is tried again, in milliseconds. @default 10000, as Lambda's */
  readonly initTimeoutMs?: number
  /**
   * The waits before each further attempt at a failed asynchronous event, in milliseconds; their number is the number
   * of retries. Lambda's are one minute and two. @default [200, 400]
   */
  readonly retryDelaysMs?: readonly number[]
  /** Whether to stop processes between invocations, as Lambda does. @default true, but on Windows, which cannot */
  readonly freeze?: boolean
  readonly clock?: Clock
}

const DEFAULTS = {
  region: 'us-east-1',
  accountId: '123456789012',
  credentials: { accessKeyId: 'AKIALOCALCLOUD000000', secretAccessKey: 'local-cloud' },
  environment: {},
  idleMs: 600_000,
  initTimeoutMs: 10_000,
  retryDelaysMs: [200, 400],
  clock: systemClock,
}

/** Fills in what is not given. */
export function completeHostOptions(options: LambdaHostOptions): Required<LambdaHostOptions> {
  const freeze = (options.freeze ?? true) && process.platform !== 'win32'
  return { ...DEFAULTS, ...options, freeze }
}
