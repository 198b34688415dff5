/**
 * Options of Node that load, run and write nothing, by name without leading dashes. The value tells whether the option
 * takes a value.
 */
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

/** Splits `NODE_OPTIONS` into words, quotes included: Node splits at spaces outside double quotes. */
export function nodeOptionWords(options: string): string[] {
  return options.match(/(?:"(?:\\.|[^"\\])*"|[^ "])+/g) ?? []
}

/** Removes a word's quotes as Node does; between quotes, a backslash escapes the next character. */
export function unquoted(word: string): string {
  return word.replace(/"((?:\\.|[^"\\])*)"/g, (_, inner: string) => inner.replace(/\\(.)/g, '$1'))
}

/** Returns the harmless options in `NODE_OPTIONS`, made only of names in the table and plain values. */
export function harmlessNodeOptions(options: string): string {
  const words = nodeOptionWords(options).map(unquoted)
  return words.flatMap((word, index) => harmlessOption(word, words[index + 1]) ?? []).join(' ')
}

function harmlessOption(word: string, next: string | undefined): string | undefined {
  const [, name = '', assigned] = /^--([\w-]+)(?:=(.*))?$/s.exec(word) ?? []
  // Node accepts underscores as dashes.
  const known = name.replaceAll('_', '-')
  const key = known.replace(/^no-/, '')
  if (!Object.hasOwn(HARMLESS, key)) return undefined
  if (!HARMLESS[key]) return assigned === undefined ? word : undefined
  const value = assigned ?? next ?? ''
  return /^\w[\w.,-]*$/.test(value) ? `--${name}=${value}` : undefined
}
