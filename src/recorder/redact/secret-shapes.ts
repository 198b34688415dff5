/** Each pattern matches one kind of secret. If a pattern has a group named `secret`, only that group is secret. */
const SHAPES: readonly RegExp[] = [
  // PEM, or the rest of the text if the end is missing. Line breaks may be escaped.
  /-----BEGIN [A-Z0-9 ]{1,60}-----[\s\S]*?(?:-----END [A-Z0-9 ]{1,60}-----|$)/g,
  // Access key ids of AWS: docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
  /(?<![A-Z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Z0-9])/g,
  // Session tokens of AWS STS.
  /(?:FwoG|IQoJ)[A-Za-z0-9+/=%]{60,}/g,
  // github.blog/engineering/behind-githubs-new-authentication-token-formats
  /gh[oprsu]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{15,}/g,
  /xox[a-z]-[\w-]{8,}|xapp-[\w-]{8,}|hooks\.slack\.com\/(?:services|workflows)\/(?<secret>[\w/-]+)/dg,
  // Stripe, OpenAI, Anthropic.
  /(?<!\w)(?:[rs]k_(?:live|test)_\w{8,}|whsec_[\w+/=-]{8,}|sk-[\w-]{16,})/g,
  // Google.
  /AIza[\w-]{30,}|ya29\.[\w-]{10,}|GOCSPX-[\w-]{10,}/g,
  // npm, PyPI, SendGrid, Twilio.
  /npm_[A-Za-z0-9]{30,}|pypi-[\w-]{16,}|SG\.[\w-]{10,}\.[\w-]{10,}|(?<!\w)SK[0-9a-f]{32}(?!\w)/g,
  // The value of `Authorization`, wherever it is quoted.
  /\bbearer(?:\s|\+|%20){1,3}(?<secret>[\w.~+/=-]{6,})/dgi,
  /\bbasic(?:\s|\+|%20){1,3}(?<secret>(?=[a-z+/]{0,60}[A-Z0-9=])[A-Za-z0-9+/]{6,}={0,2})/dgi,
  // The password of a URL.
  /:\/\/[^\s/:@]{0,200}:(?<secret>[^\s/]{1,500})@/dg,
]

/** Matches any text that one of the shapes may match. */
const HINT =
  /-----BEGIN|eyJ|A[BKS]IA|ACCA|FwoG|IQoJ|gh[oprsu]_|github_pat_|glpat-|xox[a-z]-|xapp-|slack|k_live|k_test|whsec_|sk-|AIza|ya29|GOCSPX|npm_|pypi-|SG\.|SK[0-9a-f]{9}|[Bb]earer|BEARER|[Bb]asic|BASIC|:\/\/[^\s/:@]*:[^\s/@]+@/

/**
 * JWT and JWE, with any text directly before them. Starts only at the beginning of a word: otherwise the time would be
 * quadratic in its length.
 */
const DOTTED = /(?<![\w-])[\w-]{8,}(?:\.[\w-]*){1,5}/g
const JWT_BEGIN = 'eyJ'
const KEY_ID = /(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}/
/** The secret of an access key. Without its key id nearby, it may be any text of forty letters. */
const KEY_SECRET = /(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{40}(?![A-Za-z0-9+/])/g

/** Random-looking text, for fixtures. */
const RANDOM = /(?<![\w+/=-])(?=[\w+/=-]*\d)(?=[\w+/=-]*[A-Za-z])[\w+/=-]{32,}(?![\w+/=-])/g
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
/** A text of words, such as a path or a name. */
const WORDS = /^(?:[a-z]+|[A-Z][a-z]+|[A-Z]+|\d{1,4})(?:[-_/=+](?:[a-z]+|[A-Z][a-z]+|[A-Z]+|\d{1,4}))*$/

export type Mark = (secret: string) => string

/** Whether a text holds an access key id of AWS. */
export function hasKeyId(text: string): boolean {
  return KEY_ID.test(text)
}

/** Whether any of the shapes may match within a text. */
export function mayHoldShape(text: string): boolean {
  return HINT.test(text)
}

/** Replaces every secret with a known shape. */
export function redactShapes(text: string, mark: Mark): string {
  if (!HINT.test(text)) return text
  let result = text
  const nearKeyId = hasKeyId(text)
  if (text.includes(JWT_BEGIN)) result = redactTokens(result, mark)
  for (const shape of SHAPES) result = replaceSecrets(result, shape, mark)
  return nearKeyId ? redactKeySecrets(result, mark) : result
}

/** Replaces the secrets of access keys, in a text with an access key id, or beside one. */
export function redactKeySecrets(text: string, mark: Mark): string {
  return text.replace(KEY_SECRET, mark)
}

/** Whether a text consists of words, or is equally harmless, such as a date. */
export function isPlain(text: string): boolean {
  return WORDS.test(text.replaceAll(' ', '-'))
}

/** Replaces everything that looks random. */
export function redactRandom(text: string, mark: Mark): string {
  return text.replace(RANDOM, (found) => (UUID.test(found) || WORDS.test(found) ? found : mark(found)))
}

function redactTokens(text: string, mark: Mark): string {
  return text.replace(DOTTED, (found) => {
    const at = found.indexOf(JWT_BEGIN)
    return at === -1 ? found : found.slice(0, at) + mark(found.slice(at))
  })
}

/** Replaces the matches of a pattern, or only its group named `secret`, which requires the flag `d`. */
export function replaceSecrets(text: string, shape: RegExp, mark: Mark): string {
  if (!shape.hasIndices) return text.replace(shape, (found) => mark(found))
  let result = ''
  let copied = 0
  for (const { 0: found, index, indices } of text.matchAll(shape)) {
    const [from, to] = indices?.groups?.secret ?? [index, index + found.length]
    result += text.slice(copied, from) + mark(text.slice(from, to))
    copied = to
  }
  return copied === 0 ? text : result + text.slice(copied)
}

/** Whether a text ends within a PEM key. @param before whether it begins within one */
export function isWithinKey(text: string, before: boolean): boolean {
  const [begin, end] = [text.lastIndexOf('-----BEGIN '), text.lastIndexOf('-----END ')]
  return begin === end ? before : begin > end
}
