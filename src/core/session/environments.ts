import { BoundedMap } from '../base/bounded-map.js'
import { TetherError } from '../base/errors.js'
import { isObject } from '../base/options.js'

type Variables = Readonly<Record<string, string>>

/** The environment variables of one execution environment. */
export interface Environment {
  readonly fingerprint: string
  /** The variables as the function has them. */
  readonly remote: Variables
  /** The variables given to local code, with markers that tell the code that it runs locally. */
  readonly local: Variables
}

/** The origin of a function's invocation. */
export interface FunctionEnvironment {
  readonly environmentId: string
  readonly environment: Environment
}

const MAX_ENVIRONMENTS = 10_000
const MARKERS: Variables = { SST_LIVE: 'true', LAMBDA_TETHER: 'true' }
/** For replays of functions that were not invoked in this session. */
const NONE: FunctionEnvironment = {
  environmentId: 'replay',
  environment: { fingerprint: '', remote: {}, local: MARKERS },
}

/** The environment variables of each execution environment. They are sent once, and then identified by fingerprint. */
export class Environments {
  readonly #known = new BoundedMap<string, Environment>(MAX_ENVIRONMENTS)
  readonly #latest = new BoundedMap<string, FunctionEnvironment>(MAX_ENVIRONMENTS)
  readonly #onNew: () => void

  /** @param onNew called for each new environment */
  constructor(onNew: () => void) {
    this.#onNew = onNew
  }

  /**
   * Finds the variables of a message, or returns undefined if they have not been sent yet.
   * @throws TetherError `PROTOCOL` if the variables sent are not a record of texts
   */
  find(environmentId: string, fingerprint: string, sent: Uint8Array | undefined): Environment | undefined {
    const known = this.#known.get(environmentId)
    if (known?.fingerprint === fingerprint) return known
    if (sent === undefined) return undefined
    const remote = parse(sent)
    const environment = { fingerprint, remote, local: { ...remote, ...MARKERS } }
    if (known === undefined) this.#onNew()
    this.#known.set(environmentId, environment)
    return environment
  }

  /** Records the environment of a function's latest invocation. */
  used(functionId: string, environmentId: string, environment: Environment): void {
    if (this.#latest.get(functionId)?.environment === environment) return
    this.#latest.set(functionId, { environmentId, environment })
  }

  /** The environment of a function's latest invocation; without variables if there was no invocation. */
  latest(functionId: string): FunctionEnvironment {
    return this.#latest.get(functionId) ?? NONE
  }
}

function parse(sent: Uint8Array): Variables {
  const value: unknown = JSON.parse(Buffer.from(sent).toString('utf8'))
  if (isObject(value) && Object.values(value as object).every((text) => typeof text === 'string'))
    return value as Variables
  throw new TetherError('PROTOCOL', 'The environment variables of an invocation are not a record of texts.')
}
