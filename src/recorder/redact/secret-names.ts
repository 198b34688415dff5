import { BoundedMap } from '../../core/base/bounded-map.js'

/** A name of a field, header, cookie or parameter: a text in any spelling (`x-api-key` is `xApiKey`), or a pattern. */
export type NamePattern = string | RegExp

/** The kind of value that a name announces. */
export interface NameKind {
  /** The value is secret. */
  readonly secret: boolean
  /** The value is secret if the name belongs to a query parameter. */
  readonly secretInQuery: boolean
  /** The value holds query parameters. */
  readonly holdsQuery: boolean
  /** The user allows the value. */
  readonly allowed: boolean
  /**
   * The value itself is a secret, and is redacted wherever else it occurs; false for a value that may merely hold
   * secrets.
   */
  readonly isItself: boolean
}

// Names are compared in lower case, by their letters and digits alone.

const SECRET: ReadonlySet<string> = new Set([
  // From Cognito's triggers for custom challenges.
  'challengeanswer',
  'privatechallengeparameters',
  'codeverifier',
  // From an HTTP request's context: claims, principals, and IAM credentials.
  'authorizer',
  'cardnumber',
  'creditcard',
  // The headers and parameters that an authorizer checks.
  'identitysource',
  'jsessionid',
  'passcode',
  'phpsessid',
  'samlresponse',
  'securitycode',
  'sessionid',
  'socialsecuritynumber',
  // The API key that an authorizer returns.
  'usageidentifierkey',
  'verificationcode',
  // A header that CloudFront adds for its origin to check.
  'xoriginverify',
])
/** Secret at the end of a name: `DB_PASS`, `userPin`. Not within another word, as in `bypass`. */
const SECRET_WORDS: ReadonlySet<string> = new Set([
  'auth',
  'cookies',
  'cvc',
  'cvv',
  'jwt',
  'otp',
  'pass',
  'pin',
  'pwd',
  'secrets',
  'ssn',
  'totp',
])
/** Values that hold more than secrets, such as the caller's identity. */
const HOLDERS: ReadonlySet<string> = new Set(['auth', 'authorizer', 'identitysource'])
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
  /(?:password|passwd|passphrase|secret|secretstring|secretbinary|token|apikey|secretkey|subscriptionkey|authkey|privatekey|accesskey|accesskeyid|signingkey|encryptionkey|masterkey|sharedkey|credentials?|authorization|cookie|connectionstring)\d?$/
const SECRET_PART = /password|passwd|clientsecret|secretaccesskey|privatekey/
/** Tokens for the next page of a list, or for idempotent requests. */
const HARMLESS = /(?:next|continuation|page|pagination|starting|clientrequest|idempotency)token$/
const HOLDS_QUERY = /querystring/

/** In fixtures, also names that may or may not be secret. */
const PERHAPS_SECRET = /auth|token|secret|session|credential|apikey|signingkey|privatekey|xkey/

const MOST_KNOWN = 10_000
const LONGEST = 200

export interface SecretNamesOptions {
  /** Additional secret names. */
  readonly keys?: readonly NamePattern[] | undefined
  /** Names of values to keep unredacted. */
  readonly allow?: readonly NamePattern[] | undefined
  /** Treats more names as secret. */
  readonly strict?: boolean | undefined
}

/** Tells by a name whether the value is secret. Caches its verdicts: distinct names are few. */
export class SecretNames {
  readonly #known = new BoundedMap<string, NameKind>(MOST_KNOWN)
  readonly #options: SecretNamesOptions

  constructor(options: SecretNamesOptions) {
    this.#options = options
  }

  kindOf(name: string): NameKind {
    const known = this.#known.get(name)
    if (known !== undefined) return known
    // The end of a name carries its meaning: cut the beginning.
    const kind = this.#judge(name.slice(-LONGEST))
    if (name.length <= LONGEST) this.#known.set(name, kind)
    return kind
  }

  isSecret(name: string): boolean {
    const { secret, allowed } = this.kindOf(name)
    return secret && !allowed
  }

  #judge(name: string): NameKind {
    const { keys = [], allow = [], strict = false } = this.#options
    const plain = plainName(name)
    const harmless = HARMLESS.test(plain)
    return {
      secret:
        SECRET.has(plain) ||
        SECRET_WORDS.has(lastWord(name)) ||
        SECRET_PART.test(plain) ||
        (!harmless && SECRET_END.test(plain)) ||
        (!harmless && strict && PERHAPS_SECRET.test(plain)) ||
        matches(keys, name, plain),
      secretInQuery: SECRET_IN_QUERY.has(plain),
      holdsQuery: HOLDS_QUERY.test(plain),
      allowed: matches(allow, name, plain),
      isItself: !HOLDERS.has(plain),
    }
  }
}

function matches(patterns: readonly NamePattern[], name: string, plain: string): boolean {
  return patterns.some((pattern) =>
    typeof pattern === 'string' ? plainName(pattern) === plain : name.search(pattern) !== -1,
  )
}

const WORD = /\p{Lu}?[\p{Ll}\p{N}]+|[\p{Lu}\p{N}]+(?!\p{Ll})/gu

/** Returns `pass` for `DB_PASS`, `smtpPass` and `pass2`. */
function lastWord(name: string): string {
  const word = name.match(WORD)?.at(-1) ?? ''
  return word.toLowerCase().replace(/\d+$/, '')
}

function plainName(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '')
}
