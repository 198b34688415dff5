import { nodeOptionWords, unquoted } from './node-options.js'

/**
 * A variable that holds a list of options or files, which layers extend. A program does not start if one of the files
 * is missing.
 */
interface ListVariable {
  words(value: string): string[]
  readonly separator: string
}

const JAVA_OPTIONS: ListVariable = {
  words: (value) => value.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? [],
  separator: ' ',
}

const LISTS: Readonly<Record<string, ListVariable>> = {
  NODE_OPTIONS: { words: nodeOptionWords, separator: ' ' },
  JAVA_TOOL_OPTIONS: JAVA_OPTIONS,
  JDK_JAVA_OPTIONS: JAVA_OPTIONS,
  _JAVA_OPTIONS: JAVA_OPTIONS,
  // Separated as on Lambda, where the value comes from.
  DOTNET_STARTUP_HOOKS: { words: (value) => value.split(':'), separator: ':' },
}

/** A path of Lambda's own file or folder, at the beginning of a word or after a separator. */
const LAMBDA_FILE = /(?:^|[=:,;])(?:file:\/\/)?\/(?:opt|var\/task|var\/runtime)(?:\/|$)/

/**
 * Returns a variable's value without the parts that name files below /opt, /var/task or /var/runtime, which exist only
 * on Lambda.
 */
export function withoutLambdaFiles(name: string, value: string): string {
  const list = Object.hasOwn(LISTS, name) ? LISTS[name] : undefined
  if (list === undefined) return value
  const words = list.words(value)
  const kept = words.filter(
    (word, index) => !namesLambdaFile(word) && !takesLambdaFile(word, words[index + 1]),
  )
  return kept.length === words.length ? value : kept.join(list.separator)
}

function namesLambdaFile(word: string): boolean {
  return LAMBDA_FILE.test(unquoted(word).replaceAll("'", ''))
}

/** Whether a word is an option with one of these files as its value in the next word: then both are removed. */
function takesLambdaFile(word: string, next: string | undefined): boolean {
  const takesValue = word.startsWith('-') && !word.includes('=')
  return takesValue && next !== undefined && !next.startsWith('-') && namesLambdaFile(next)
}
