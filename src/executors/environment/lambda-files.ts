import { nodeOptionWords, unquoted } from './node-options.js'

/** How a variable is a list, whose parts layers set, and with which a program does not start where a file is missing. */
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
  // Separated as on Lambda, where the value was made.
  DOTNET_STARTUP_HOOKS: { words: (value) => value.split(':'), separator: ':' },
}

/** A file or folder of Lambda's own, at the beginning of a word or after a separator. */
const LAMBDA_FILE = /(?:^|[=:,;])(?:file:\/\/)?\/(?:opt|var\/task|var\/runtime)(?:\/|$)/

/** The variable's value without the parts that name files under /opt, /var/task or /var/runtime, which exist on Lambda only. */
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

/** An option whose value is the next word goes with it. */
function takesLambdaFile(word: string, next: string | undefined): boolean {
  const takesValue = word.startsWith('-') && !word.includes('=')
  return takesValue && next !== undefined && !next.startsWith('-') && namesLambdaFile(next)
}
