import { createHmac } from 'node:crypto'
import { BoundedMap } from '../../core/base/bounded-map.js'
import { listOf } from '../../core/base/option-checks.js'
import { type Check, mustBe } from '../../core/base/options.js'
import { LiveRecord } from '../live-record.js'
import type { InvocationRecord } from '../record.js'
import { KnownSecrets } from './known-secrets.js'
import type { RedactionRules } from './redaction.js'
import { type NamePattern, SecretNames } from './secret-names.js'
import type { Mark } from './secret-shapes.js'

/** Additional secrets; docs/recordings.md lists the built-in rules, which always apply. */
export interface RedactOptions {
  /**
   * Secret names of fields, headers, cookies, parameters and variables, at any depth. A text matches any spelling:
   * `x-api-key` also matches `xApiKey`.
   * @default none
   */
  readonly keys?: readonly NamePattern[] | undefined
  /** Patterns of secret values. If a pattern has a group named `secret`, only that group is redacted. @default none */
  readonly values?: readonly RegExp[] | undefined
  /** Names of values to keep unredacted. @default none */
  readonly allow?: readonly NamePattern[] | undefined
}

const checkNames = listOf('a list of names or regular expressions', (name, value) =>
  mustBe('a name or a regular expression', isName(value), name, value),
)

/** The checks of {@link RedactOptions}. */
export const redactChecks = {
  keys: checkNames,
  values: listOf('a list of regular expressions', (name, value) =>
    mustBe('a regular expression', value instanceof RegExp, name, value),
  ),
  allow: checkNames,
} satisfies Record<keyof RedactOptions, Check>

const MOST_MARKS = 1_000
const SHORTEST_KNOWN = 8

/** Creates the rules for redacting records. */
export class RuleBook {
  readonly #names: SecretNames
  readonly #shapes: readonly RegExp[]
  readonly #strict: boolean
  /** Keyed by a function's variables, which are the same object for each of its invocations. */
  readonly #known = new WeakMap<object, KnownSecrets>()

  /** @param strict treats more values as secret, for records that are shared */
  constructor({ keys, values = [], allow }: RedactOptions, strict = false) {
    this.#names = new SecretNames({ keys, allow, strict })
    this.#shapes = values.map(({ source, flags }) => {
      const indices = source.includes('(?<secret>') ? 'd' : ''
      return new RegExp(source, `${flags.replace(/[dgy]/g, '')}g${indices}`)
    })
    this.#strict = strict
  }

  rulesFor(record: InvocationRecord, mark: Mark): RedactionRules {
    const known = this.#secretsOf(LiveRecord.variablesOf(record))
    return { names: this.#names, shapes: this.#shapes, strict: this.#strict, mark, known }
  }

  /** Rules for showing masked values on request: only the function's own secrets and credentials stay masked. */
  disclosingRulesFor(record: InvocationRecord, mark: Mark): RedactionRules {
    return { ...this.rulesFor(record, mark), knownOnly: true, strict: false, shapes: [] }
  }

  /** Returns the values of variables with secret names: local code may print them. */
  #secretsOf(variables: Readonly<Record<string, string>>): KnownSecrets {
    const known = this.#known.get(variables)
    if (known !== undefined) return known
    const isSecret = ([name, value]: [string, string]) =>
      value.length >= SHORTEST_KNOWN && this.#names.isSecret(name)
    const secrets = new KnownSecrets(
      Object.entries(variables)
        .filter(isSecret)
        .map(([, value]) => value),
    )
    this.#known.set(variables, secrets)
    return secrets
  }
}

/** Rules for records that are kept with a project's tests: more is treated as secret, and marks are numbers. */
export function fixtureRules(record: InvocationRecord, options: RedactOptions): RedactionRules {
  return new RuleBook(options, true).rulesFor(record, numberedMarks())
}

/**
 * Marks equal secrets equally. A plain hash of a short password could be guessed; guessing this hash requires the key.
 */
export function keyedMarks(key: Uint8Array): Mark {
  const marks = new BoundedMap<string, string>(MOST_MARKS)
  return (secret) => {
    const known = marks.get(secret)
    if (known !== undefined) return known
    const mark = `[redacted:sha256:${createHmac('sha256', key).update(secret).digest('hex').slice(0, 8)}]`
    marks.set(secret, mark)
    return mark
  }
}

/** Numbers secrets in order of appearance: a mark reveals nothing, and a second export is the same. */
export function numberedMarks(): Mark {
  const marks = new Map<string, string>()
  return (secret) => {
    const known = marks.get(secret)
    if (known !== undefined) return known
    const mark = `[redacted:${marks.size + 1}]`
    marks.set(secret, mark)
    return mark
  }
}

function isName(value: unknown): boolean {
  return (typeof value === 'string' && value !== '') || value instanceof RegExp
}
