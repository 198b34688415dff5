import { type Clock, systemClock } from '../../core/base/clock.js'
import { type Complete, defined } from '../../core/base/defined.js'
import {
  checkClock,
  checkDuration,
  checkFlag,
  checkText,
  listOf,
  recordOf,
} from '../../core/base/option-checks.js'
import { type Checks, checkOptions } from '../../core/base/options.js'
import { checkAccountId, checkCredentials } from '../option-checks.js'
import type { LocalCredentials } from './function-definition.js'
import { checkVariable } from './variables.js'

/** Options of `createLambdaHost`. */
export interface LambdaHostOptions {
  /** @default 'us-east-1' */
  readonly region?: string | undefined
  /** Twelve digits. @default '123456789012' */
  readonly accountId?: string | undefined
  /** Role credentials of functions. @default made up */
  readonly credentials?: LocalCredentials | undefined
  /**
   * Environment variables of every function, not counted in Lambda's 4 KB; a function's own take precedence. @default
   * none
   */
  readonly environment?: Readonly<Record<string, string>> | undefined
  /** How long an unused execution environment lives, in milliseconds. @default 600000, ten minutes */
  readonly idleMs?: number | undefined
  /** Time limit of a start before it is retried, in milliseconds. @default 10000, as on Lambda */
  readonly initTimeoutMs?: number | undefined
  /**
   * Delays before the retries of a failed asynchronous event, in milliseconds, one per retry. Lambda's are one minute
   * and two. @default [200, 400]
   */
  readonly retryDelaysMs?: readonly number[] | undefined
  /** Whether to stop processes between invocations, as Lambda does. @default true; false on Windows, which cannot */
  readonly freeze?: boolean | undefined
  readonly clock?: Clock | undefined
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

/** A check for each option that a local cloud passes to its host. */
export const runChecks: Checks<Omit<LambdaHostOptions, 'region' | 'accountId' | 'credentials' | 'clock'>> = {
  environment: recordOf('an object of texts by name', checkVariable),
  idleMs: checkDuration,
  initTimeoutMs: checkDuration,
  retryDelaysMs: listOf('a list of milliseconds', checkDuration),
  freeze: checkFlag,
}

/** Fills in the defaults. @throws TetherError `INVALID_OPTION` */
export function completeHostOptions(options: LambdaHostOptions): Complete<LambdaHostOptions> {
  checkOptions('createLambdaHost', options, {
    region: checkText,
    accountId: checkAccountId,
    credentials: checkCredentials,
    ...runChecks,
    clock: checkClock,
  })
  const freeze = (options.freeze ?? true) && process.platform !== 'win32'
  return { ...DEFAULTS, ...defined(options), freeze }
}
