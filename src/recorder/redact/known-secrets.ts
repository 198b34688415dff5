import { isPlain, type Mark } from './secret-shapes.js'

/** Letters that every spelling of a text has as they are. */
const UNCHANGED = /[\w.~-]+/g

/** A shorter text may stand elsewhere by chance. */
const SHORTEST_FOUND = 8
const COOKIE_ATTRIBUTE = /^(?:domain|path|expires|max-age|samesite)$/i

/** Texts that are secret wherever they stand. */
export class KnownSecrets {
  readonly #secrets: ReadonlySet<string>
  /** Made for the first text that may hold one: in most there is none. */
  #spellings: readonly (readonly [spelling: string, secret: string])[] | undefined
  /** A part of each that is the same in all spellings. */
  readonly #parts: readonly string[]

  constructor(secrets: Iterable<string> = []) {
    this.#secrets = new Set(secrets)
    this.#parts = [...this.#secrets].map(unchangedPart)
  }

  with(secrets: Iterable<string>): KnownSecrets {
    return new KnownSecrets([...this.#secrets, ...secrets])
  }

  /** Whether one of them may be in a text, however it is spelt. */
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

/** The spellings of each, the longest first: one may be a part of another. */
function allSpellings(secrets: Iterable<string>) {
  return [...secrets]
    .flatMap((secret) => spellingsOf(secret).map((one) => [one, secret] as const))
    .sort(([a], [b]) => b.length - a.length)
}

function spellingsOf(secret: string): string[] {
  return [...new Set([secret, inUrl(secret), JSON.stringify(secret).slice(1, -1)])]
}

// Half of a character has no percent-encoding.
function inUrl(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString())
}

function unchangedPart(secret: string): string {
  const parts = secret.match(UNCHANGED) ?? ['']
  return parts.reduce((longest, part) => (part.length > longest.length ? part : longest))
}

/** What of a secret is secret wherever else it stands. */
export function* traceable(secret: string): Iterable<string> {
  for (const part of partsOf(secret)) if (part.length >= SHORTEST_FOUND && !isPlain(part)) yield part
}

/** Itself, a token without its scheme, the values of cookies. */
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
