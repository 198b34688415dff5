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

/**
 * Options of {@link stubEnvironment}: each becomes one variable. With `functionId: '*'`, a function is known by its
 * name.
 */
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
   * Whether the stub streams its responses, as `awslambda.streamifyResponse` does: for a function behind a streaming
   * URL or API. Where the layer wraps a function, its own handler decides.
   * @default false
   */
  readonly streaming?: boolean | undefined
  /** As in `createStub`, but without `passthrough`: a deployed bundle has no original code. @default 'auto' */
  readonly onNobody?: Exclude<OnNobody, 'passthrough'> | undefined
  /**
   * For a function that `layerZip()` wraps. `live`: the session answers. `mirror`: the function itself answers, and its
   * events are copied to the session. @default 'live'
   */
  readonly mode?: StubMode | undefined
  /** Limit for mirrored events, in bytes of JSON; larger events are mirrored without their body. @default 100,000 */
  readonly mirrorMaxBytes?: number | undefined
  /** The function's own `AWS_LAMBDA_EXEC_WRAPPER`, which the layer's replaced: the layer runs it too. @default none */
  readonly execWrapper?: string | undefined
}

/** Answers of a wrapped function: from the session (`live`), or from the function itself (`mirror`). */
export type StubMode = 'live' | 'mirror'

/** Configuration of a deployed stub, read from its variables. */
export interface StubConfiguration extends Omit<StubEnvironmentOptions, 'key' | 'functionId'> {
  /** The stub's key. */
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

/** Lambda's quota for all variables of a function together. */
const MAX_ENVIRONMENT_BYTES = 4096

/**
 * Returns the environment variables that configure a deployed stub, all prefixed with `LAMBDA_TETHER_`. Set them beside
 * the function's own; they never reach local code. They include a key derived for this function.
 * @throws TetherError `INVALID_OPTION`, or `TOO_LARGE` if they alone exceed Lambda's 4 KB
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
 * Parses the variables that {@link stubEnvironment} returned.
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
  // Names contain no comma, so a list of names fits one variable.
  const names = session === undefined ? [] : String(session).split(',')
  const named = names.length > 1 ? { team: names } : defined({ session: names[0] })
  return { ...others, ...named } as unknown as StubConfiguration
}
