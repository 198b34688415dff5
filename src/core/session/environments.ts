import { BoundedMap } from '../base/bounded-map.js'
import { TetherError } from '../base/errors.js'
import { isObject } from '../base/options.js'

type Variables = Readonly<Record<string, string>>

/** The environment variables of one execution environment. */
export interface Environment {
  readonly fingerprint: string
  /** As the function has them. */
  readonly remote: Variables
  /** As local code gets them, with the markers that tell it where it runs. */
  readonly local: Variables
}

/** Where an invocation of a function came from. */
export interface FunctionEnvironment {
  readonly environmentId: string
  readonly environment: Environment
}

const MAX_ENVIRONMENTS = 10_000
const MARKERS: Variables = { SST_LIVE: 'true', LAMBDA_TETHER: 'true' }
/** Of replays of functions that were not invoked in this session. */
const NONE: FunctionEnvironment = {
  environmentId: 'replay',
  environment: { fingerprint: '', remote: {}, local: MARKERS },
}

/** The environment variables of each execution environment: they travel once, then by fingerprint. */
export class Environments {
  readonly #known = new BoundedMap<string, Environment>(MAX_ENVIRONMENTS)
  readonly #latest = new BoundedMap<string, FunctionEnvironment>(MAX_ENVIRONMENTS)
  readonly #onNew: () => void

  /** @param onNew told of each environment that is heard for the first time */
  constructor(onNew: () => void) {
    this.#onNew = onNew
  }

  /**
   * The variables that a message means, or undefined where they have not been sent yet.
   * @throws TetherError `PROTOCOL` when what was sent are no variables
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

  /** Notes that an invocation of a function came from there. */
  used(functionId: string, environmentId: string, environment: Environment): void {
    if (this.#latest.get(functionId)?.environment === environment) return
    this.#latest.set(functionId, { environmentId, environment })
  }

  /** Where the last invocation of a function came from; without variables where none came. */
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
