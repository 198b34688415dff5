import { defined } from '../core/base/defined.js'
import { TetherError } from '../core/base/errors.js'
import {
  checkAnySecret,
  checkDuration,
  checkFlag,
  checkSecret,
  checkText,
  oneOf,
  pem,
  wholeNumber,
} from '../core/base/option-checks.js'
import { checkOptions, required } from '../core/base/options.js'
import { checkName, checkPart, MIN_FRAME_BYTES } from '../core/contracts/transport.js'
import { checkTeam } from '../core/sharing/take.js'
import { checkRootKey } from '../core/wire/root-key.js'
import { checkStubKey } from '../core/wire/stub-key.js'
import { MAX_FRAME_BYTES } from '../transports/mqtt/options.js'
import { type BrokerAddress, checkAddress } from './address.js'
import { checkOneOfBoth, type StubOptions } from './handler.js'
import { ANY_FUNCTION_ID, checkFunctionId, type StubKeyOptions, stubKey } from './key.js'
import type { OnNobody } from './outcome.js'
import { STUB_VARIABLE_PREFIX } from './travelling-environment.js'

/** What {@link stubEnvironment} writes down: one variable per fact. With `functionId: '*'`, a function goes by its name. */
export interface StubEnvironmentOptions
  extends StubKeyOptions,
    BrokerAddress,
    Pick<
      StubOptions,
      | 'session'
      | 'team'
      | 'ackTimeoutMs'
      | 'connectTimeoutMs'
      | 'deadlineMarginMs'
      | 'onSessionLost'
      | 'liveUntil'
    > {
  /**
   * Whether the stub streams its responses, as `awslambda.streamifyResponse` does: for a function behind a URL or an API that streams. Where
   * the layer wraps a function, its own handler tells.
   * @default false
   */
  readonly streaming?: boolean | undefined
  /** A deployed bundle has no original code to pass through to. @default 'auto' */
  readonly onNobody?: Exclude<OnNobody, 'passthrough'> | undefined
  /**
   * For a function that `layerZip()` wraps: `live` has the session answer, `mirror` the function itself, whose events are copied
   * to the session. @default 'live'
   */
  readonly mode?: StubMode | undefined
  /** Larger events are mirrored without their body, in bytes of JSON. @default 100,000 */
  readonly mirrorMaxBytes?: number | undefined
  /** What `AWS_LAMBDA_EXEC_WRAPPER` was before the layer's took its place: it is run as well. @default none */
  readonly execWrapper?: string | undefined
}

/** Who answers where the layer wraps a function. */
export type StubMode = 'live' | 'mirror'

/** What a deployed stub reads. */
export interface StubConfiguration extends Omit<StubEnvironmentOptions, 'key' | 'functionId'> {
  /** The stub's. */
  readonly key: string
  /** @default the function's name */
  readonly functionId?: string
}

type Option = Exclude<keyof StubEnvironmentOptions, 'team'>

const VARIABLES: Readonly<Record<Option, string>> = {
  app: 'APP',
  stage: 'STAGE',
  session: 'SESSION',
  key: 'KEY',
  functionId: 'FUNCTION',
  url: 'URL',
  username: 'USERNAME',
  password: 'PASSWORD',
  endpoint: 'ENDPOINT',
  frameBytes: 'FRAME_BYTES',
  ca: 'CA',
  cert: 'CERT',
  certKey: 'CERT_KEY',
  ackTimeoutMs: 'ACK_TIMEOUT_MS',
  connectTimeoutMs: 'CONNECT_TIMEOUT_MS',
  deadlineMarginMs: 'DEADLINE_MARGIN_MS',
  onNobody: 'ON_NOBODY',
  onSessionLost: 'ON_SESSION_LOST',
  mode: 'MODE',
  liveUntil: 'LIVE_UNTIL',
  streaming: 'STREAMING',
  mirrorMaxBytes: 'MIRROR_MAX_BYTES',
  execWrapper: 'EXEC_WRAPPER',
}
const NUMBERS = /Ms$|Bytes$|^liveUntil$/
const FLAGS = /^streaming$/

/** All of a function's variables together, by Lambda's quota. */
const MAX_ENVIRONMENT_BYTES = 4096

/**
 * The environment variables that configure a deployed stub, all of them prefixed `LAMBDA_TETHER_`. Set them beside
 * the function's own; they never reach local code. The key among them is derived for this function.
 * @throws TetherError `INVALID_OPTION`, or `TOO_LARGE` where they alone exceed Lambda's 4 KB
 */
export function stubEnvironment(options: StubEnvironmentOptions): Record<string, string> {
  checkOptions('stubEnvironment', options, {
    app: required(checkPart),
    stage: required(checkPart),
    session: checkName,
    team: checkTeam,
    key: required(checkRootKey),
    functionId: required(checkFunctionId),
    url: checkSecret,
    username: checkAnySecret,
    password: checkAnySecret,
    endpoint: checkText,
    frameBytes: wholeNumber(MIN_FRAME_BYTES, MAX_FRAME_BYTES),
    ca: pem('CERTIFICATE'),
    cert: pem('CERTIFICATE'),
    certKey: pem('PRIVATE KEY'),
    ackTimeoutMs: checkDuration,
    connectTimeoutMs: checkDuration,
    deadlineMarginMs: checkDuration,
    onNobody: oneOf('auto', 'throw', 'respond'),
    onSessionLost: oneOf('rerun', 'fail'),
    mode: oneOf('live', 'mirror'),
    liveUntil: wholeNumber(0),
    streaming: checkFlag,
    mirrorMaxBytes: wholeNumber(0),
    execWrapper: checkText,
  })
  checkAddress(options)
  checkOneOfBoth(options)
  const { key, functionId, team, ...others } = options
  const configuration: StubConfiguration = {
    ...others,
    ...(team && { session: team.join(',') }),
    key: stubKey({ app: others.app, stage: others.stage, key, functionId }),
    ...(functionId !== ANY_FUNCTION_ID && { functionId }),
  }
  const variables: Record<string, string> = {}
  for (const [option, name] of Object.entries(VARIABLES)) {
    const value = configuration[option as Option]
    if (value !== undefined) variables[STUB_VARIABLE_PREFIX + name] = String(value)
  }
  const bytes = Object.entries(variables).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name + value),
    0,
  )
  if (bytes > MAX_ENVIRONMENT_BYTES) {
    throw new TetherError(
      'TOO_LARGE',
      `The stub's variables have ${bytes} bytes; Lambda allows ${MAX_ENVIRONMENT_BYTES} for all of a function's. Leave out certificates.`,
    )
  }
  return variables
}

/**
 * What {@link stubEnvironment} wrote, read back.
 * @throws TetherError `INVALID_OPTION` naming the variable
 */
export function readStubEnvironment(env: Readonly<Record<string, string | undefined>>): StubConfiguration {
  const options: Record<string, string | number | boolean> = {}
  for (const [option, name] of Object.entries(VARIABLES)) {
    const value = env[STUB_VARIABLE_PREFIX + name]
    if (value === undefined) continue
    options[option] = NUMBERS.test(option) ? Number(value) : FLAGS.test(option) ? value === 'true' : value
    if (Number.isNaN(options[option])) {
      throw new TetherError(
        'INVALID_OPTION',
        `The function's environment variable ${STUB_VARIABLE_PREFIX}${name} must be a number, not '${value}'.`,
      )
    }
  }
  for (const required of ['app', 'stage', 'key'] as const) {
    if (options[required] === undefined) {
      throw new TetherError(
        'INVALID_OPTION',
        `The function's environment variable ${STUB_VARIABLE_PREFIX}${VARIABLES[required]} is missing; set what stubEnvironment() returns.`,
      )
    }
  }
  checkStubKey(STUB_VARIABLE_PREFIX + VARIABLES.key, options.key)
  const { session, ...others } = options
  // Names have no comma, so that a list of them is one variable.
  const names = session === undefined ? [] : String(session).split(',')
  const named = names.length > 1 ? { team: names } : defined({ session: names[0] })
  return { ...others, ...named } as unknown as StubConfiguration
}
