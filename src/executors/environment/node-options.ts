/** Options of Node that load, run and write nothing, by name without dashes in front; those of `true` take a value. */
const HARMLESS: Readonly<Record<string, boolean>> = {
  'abort-on-uncaught-exception': false,
  addons: false,
  deprecation: false,
  'disable-warning': true,
  'dns-result-order': true,
  'enable-source-maps': false,
  'experimental-detect-module': false,
  'experimental-fetch': false,
  'experimental-require-module': false,
  'experimental-strip-types': false,
  'experimental-vm-modules': false,
  'expose-gc': false,
  'insecure-http-parser': false,
  'max-http-header-size': true,
  'max-old-space-size': true,
  'max-old-space-size-percentage': true,
  'max-semi-space-size': true,
  'network-family-autoselection': false,
  'network-family-autoselection-attempt-timeout': true,
  'pending-deprecation': false,
  'stack-trace-limit': true,
  'throw-deprecation': false,
  'trace-deprecation': false,
  'trace-uncaught': false,
  'trace-warnings': false,
  'unhandled-rejections': true,
  'use-bundled-ca': false,
  'use-openssl-ca': false,
  'use-system-ca': false,
  warnings: false,
}

/** The words of `NODE_OPTIONS`, quotes included: Node splits it at spaces that are not between double quotes. */
export function nodeOptionWords(options: string): string[] {
  return options.match(/(?:"(?:\\.|[^"\\])*"|[^ "])+/g) ?? []
}

/** A word as Node reads it: without its quotes, between which a backslash quotes what follows it. */
export function unquoted(word: string): string {
  return word.replace(/"((?:\\.|[^"\\])*)"/g, (_, inner: string) => inner.replace(/\\(.)/g, '$1'))
}

/** What of `NODE_OPTIONS` can harm nobody. Made of nothing but names of the table and plain values. */
export function harmlessNodeOptions(options: string): string {
  const words = nodeOptionWords(options).map(unquoted)
  return words.flatMap((word, index) => harmlessOption(word, words[index + 1]) ?? []).join(' ')
}

function harmlessOption(word: string, next: string | undefined): string | undefined {
  const [, name = '', assigned] = /^--([\w-]+)(?:=(.*))?$/s.exec(word) ?? []
  // Node takes underscores for dashes.
  const known = name.replaceAll('_', '-')
  const key = known.replace(/^no-/, '')
  if (!Object.hasOwn(HARMLESS, key)) return undefined
  if (!HARMLESS[key]) return assigned === undefined ? word : undefined
  const value = assigned ?? next ?? ''
  return /^\w[\w.,-]*$/.test(value) ? `--${name}=${value}` : undefined
}
