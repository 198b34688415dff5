/** A fenced block of a document. */
export interface CodeBlock {
  /** The language after the fence: `sh`, `js`. */
  readonly language: string
  readonly text: string
  /** The file that the sentence before it has one save it as. */
  readonly fileName?: string
}

/** The fenced blocks of a document, in its order. A block of no language is a mistake. */
export function codeBlocks(markdown: string): CodeBlock[] {
  const lines = markdown.split('\n')
  const blocks: CodeBlock[] = []
  let before = ''
  for (let at = 0; at < lines.length; at += 1) {
    const fence = /^```(.*)$/.exec(lines[at]!)
    if (fence === null) {
      before = lines[at]! === '' ? before : `${lines[at - 1]} ${lines[at]}`
      continue
    }
    const end = lines.indexOf('```', at + 1)
    const language = fence[1]!
    if (end === -1 || language === '') throw new Error(`line ${at + 1}: a fence without end or language`)
    const fileName = /Save this as `([^`]+)`/.exec(before)?.[1]
    const text = `${lines.slice(at + 1, end).join('\n')}\n`
    blocks.push({ language, text, ...(fileName === undefined ? {} : { fileName }) })
    before = ''
    at = end
  }
  return blocks
}
