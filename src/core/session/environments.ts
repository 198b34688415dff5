import { TetherError } from '../base/errors.js'

type Variables = Readonly<Record<string, string>>

const MAX_ENVIRONMENTS = 10_000

/** The environment variables of each execution environment: they travel once, then by fingerprint. */
export class Environments {
  readonly #known = new Map<string, { fingerprint: string; variables: Variables }>()

  /**
   * The variables that a message means, or undefined where they have not been sent yet.
   * @throws TetherError `PROTOCOL` when what was sent are no variables
   */
  variables(environmentId: string, fingerprint: string, sent: Uint8Array | undefined): Variables | undefined {
    const known = this.#known.get(environmentId)
    if (known?.fingerprint === fingerprint) return known.variables
    if (sent === undefined) return undefined
    const variables = parse(sent)
    this.#known.delete(environmentId)
    this.#known.set(environmentId, { fingerprint, variables })
    const oldest = this.#known.size > MAX_ENVIRONMENTS ? this.#known.keys().next() : undefined
    if (oldest?.value !== undefined) this.#known.delete(oldest.value)
    return variables
  }
}

function parse(sent: Uint8Array): Variables {
  const value: unknown = JSON.parse(Buffer.from(sent).toString('utf8'))
  if (
    typeof value !== 'object' ||
    value === null ||
    Object.values(value).some((text) => typeof text !== 'string')
  ) {
    throw new TetherError('PROTOCOL', 'The environment variables of an invocation are not a record of texts.')
  }
  return value as Variables
}
