import { BoundedMap } from '../../core/base/bounded-map.js'

/** A name of a field, header, cookie or parameter: a text in any spelling (`x-api-key` is `xApiKey`), or a pattern. */
export type NamePattern = string | RegExp

/** What a name says of its value. */
export interface NameKind {
  /** The value is secret. */
  readonly secret: boolean
  /** The value is secret where the name is that of a query parameter. */
  readonly secretInQuery: boolean
  /** The value holds query parameters. */
  readonly holdsQuery: boolean
  /** The user wants the value kept. */
  readonly allowed: boolean
}

// All names are compared in lower case, without anything but letters and digits.

const SECRET: ReadonlySet<string> = new Set([
  'auth',
  // Of an HTTP request's context: claims, principals, and the credentials of IAM.
  'authorizer',
  'cardnumber',
  'cookies',
  'creditcard',
  'cvc',
  'cvv',
  'jwt',
  'pass',
  'pin',
  'pwd',
  'secrets',
  'securitycode',
  'sessionid',
  'socialsecuritynumber',
  'ssn',
])
const SECRET_IN_QUERY: ReadonlySet<string> = new Set([
  // OAuth's authorization code.
  'code',
  'sig',
  'signature',
  'xamzcredential',
  'xamzsignature',
  'xgoogcredential',
  'xgoogsignature',
])
const SECRET_END =
  /(?:password|passwd|passphrase|secret|token|apikey|secretkey|privatekey|accesskey|accesskeyid|signingkey|encryptionkey|masterkey|sharedkey|credentials?|authorization|cookie|connectionstring)\d?$/
const SECRET_PART = /password|passwd|clientsecret|secretaccesskey|privatekey/
/** Tokens that say where a list goes on, or that a request is a repetition. */
const HARMLESS = /(?:next|continuation|page|pagination|starting|clientrequest|idempotency)token$/
const HOLDS_QUERY = /querystring/

/** Also in fixtures: what may be secret as well as not. */
const PERHAPS_SECRET = /auth|token|secret|session|credential|apikey|signingkey|privatekey|xkey/

const MOST_KNOWN = 10_000
const LONGEST = 200
const NOTHING: NameKind = { secret: false, secretInQuery: false, holdsQuery: false, allowed: false }

export interface SecretNamesOptions {
  /** Further names whose values are secret. */
  readonly keys?: readonly NamePattern[] | undefined
  /** Names whose values are kept, whatever they hold. */
  readonly allow?: readonly NamePattern[] | undefined
  /** Takes more names for secret. */
  readonly strict?: boolean | undefined
}

/** Tells by a name whether its value is secret. Remembers the names it has seen: they are few. */
export class SecretNames {
  readonly #known = new BoundedMap<string, NameKind>(MOST_KNOWN)
  readonly #options: SecretNamesOptions

  constructor(options: SecretNamesOptions) {
    this.#options = options
  }

  kindOf(name: string): NameKind {
    const known = this.#known.get(name)
    if (known !== undefined) return known
    if (name.length > LONGEST) return NOTHING
    const kind = this.#judge(name)
    this.#known.set(name, kind)
    return kind
  }

  #judge(name: string): NameKind {
    const { keys = [], allow = [], strict = false } = this.#options
    const plain = plainName(name)
    const harmless = HARMLESS.test(plain)
    return {
      secret:
        SECRET.has(plain) ||
        SECRET_PART.test(plain) ||
        (!harmless && SECRET_END.test(plain)) ||
        (!harmless && strict && PERHAPS_SECRET.test(plain)) ||
        matches(keys, name, plain),
      secretInQuery: SECRET_IN_QUERY.has(plain),
      holdsQuery: HOLDS_QUERY.test(plain),
      allowed: matches(allow, name, plain),
    }
  }
}

function matches(patterns: readonly NamePattern[], name: string, plain: string): boolean {
  return patterns.some((pattern) =>
    typeof pattern === 'string' ? plainName(pattern) === plain : name.search(pattern) !== -1,
  )
}

function plainName(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '')
}
