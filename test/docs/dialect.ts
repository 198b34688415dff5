// Riddles of relative clauses, which a reader has to take apart: "what is asked for", "whoever has it", "one that is none".
const dialect =
  /\b(?:what|whatever|who|whom|whose|whoever|nobody|everybody|somebody|whichever|(?:the )?ones? (?:that|which)|(?:those|that) (?:of|which|that)|(?:is|are|was|were|be) none)\b/gi

/** The words of the dialect in a text; code in backticks, parameters' names, quoted words and addresses are left out. */
export function dialectIn(text: string): string[] {
  const prose = text
    .replace(/@param \w+/g, '')
    .replace(/`[^`]*`|\$\w+/g, '`')
    .replace(/"[^"]*"|“[^”]*”/g, '"')
    .replace(/\b\w+:\/\/\S+/g, '')
  return [...prose.matchAll(dialect)].map(([word]) => word)
}

/** A page's prose by paragraph, with the line that each begins on: no code blocks, no comments of HTML. */
export function paragraphs(page: string): { line: number; text: string }[] {
  const blank = (block: string) => block.replace(/[^\n]/g, '')
  const prose = page.replace(/<!--[\s\S]*?-->/g, blank).replace(/^( *)```[\s\S]*?^\1```/gm, blank)
  const found: { line: number; text: string }[] = []
  let line = 1
  for (const part of prose.split(/(\n(?:[ \t]*\n)+|\n(?=\s*(?:[-*|]|\d+\.) ))/)) {
    const text = part.trim()
    if (text !== '')
      found.push({ line: line + (part.match(/^\s*\n/)?.length ?? 0), text: text.replace(/\s+/g, ' ') })
    line += part.split('\n').length - 1
  }
  return found
}

/** The names of tests in a file, with the line of each. */
export function testNames(source: string): { line: number; text: string }[] {
  const names =
    /(?:\b(?:test|it|describe)(?:\.\w+)*\(|^\s*\]\)\(|\bname:)\s*(['"`])((?:\\.|(?!\1).)*)\1\s*,/gms
  return [...source.matchAll(names)].map(({ index, 2: text = '' }) => ({
    line: source.slice(0, index).split('\n').length,
    text,
  }))
}
