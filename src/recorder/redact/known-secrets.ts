import { isPlain, type Mark } from './secret-shapes.js'

/** Characters that are the same in every spelling of a text. */
const UNCHANGED = /[\w.~-]+/g

/** A shorter text may occur elsewhere by chance. */
const SHORTEST_FOUND = 8
const COOKIE_ATTRIBUTE = /^(?:domain|path|expires|max-age|samesite)$/i

/** Secrets to redact wherever they occur. */
export class KnownSecrets {
  readonly #secrets: ReadonlySet<string>
  /** Computed for the first text that may hold a secret: most texts hold none. */
  #spellings: readonly (readonly [spelling: string, secret: string])[] | undefined
  /** For each secret, a part that is the same in all spellings. */
  readonly #parts: readonly string[]

  constructor(secrets: Iterable<string> = []) {
    this.#secrets = new Set(secrets)
    this.#parts = [...this.#secrets].map(unchangedPart)
  }

  with(secrets: Iterable<string>): KnownSecrets {
    return new KnownSecrets([...this.#secrets, ...secrets])
  }

  /** Whether any of the secrets may be in a text, in any spelling. */
  mayBeIn(text: string): boolean {
    return this.#parts.some((part) => text.includes(part))
  }

  redact(text: string, mark: Mark): string {
    let result = text
    this.#spellings ??= allSpellings(this.#secrets)
    for (const [spelling, secret] of this.#spellings)
      if (result.includes(spelling)) result = result.replaceAll(spelling, () => mark(secret))
    return result
  }
}

/** Returns all spellings, the longest first: one may be part of another. */
function allSpellings(secrets: Iterable<string>) {
  return [...secrets]
    .flatMap((secret) => spellingsOf(secret).map((one) => [one, secret] as const))
    .sort(([a], [b]) => b.length - a.length)
}

function spellingsOf(secret: string): string[] {
  return [...new Set([secret, inUrl(secret), JSON.stringify(secret).slice(1, -1)])]
}

// A lone surrogate has no percent-encoding.
function inUrl(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString())
}

function unchangedPart(secret: string): string {
  const parts = secret.match(UNCHANGED) ?? ['']
  return parts.reduce((longest, part) => (part.length > longest.length ? part : longest))
}

/** Yields the parts of a secret to redact wherever else they occur. */
export function* traceable(secret: string): Iterable<string> {
  for (const part of partsOf(secret)) if (part.length >= SHORTEST_FOUND && !isPlain(part)) yield part
}

/** Yields the secret itself, a token without its scheme, and the values of cookies. */
function* partsOf(secret: string): Iterable<string> {
  yield secret
  const token = /^[A-Za-z]+ (\S+)$/.exec(secret)?.[1]
  if (token !== undefined) yield token
  if (!secret.includes('=')) return
  for (const pair of secret.split(/;\s*/)) {
    const at = pair.indexOf('=')
    if (at > 0 && !COOKIE_ATTRIBUTE.test(pair.slice(0, at))) yield pair.slice(at + 1)
  }
}
