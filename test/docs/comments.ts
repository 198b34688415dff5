import ts from 'typescript'

/** One comment: a block, or `//` lines that follow each other with no code between them. */
export interface Comment {
  /** The line that it begins on, counted from 1. */
  line: number
  text: string
  /** Whether it documents an export, or a member of one. */
  exported: boolean
}

/** The comments of a TypeScript file, without their markers. */
export function comments(path: string, source: string): Comment[] {
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true)
  const documented = exportedDocs(file)
  const ranges = new Map<number, ts.CommentRange>()
  const visit = (node: ts.Node): void => {
    if (node.kind === ts.SyntaxKind.JsxText) return
    for (const range of ts.getLeadingCommentRanges(source, node.pos) ?? []) ranges.set(range.pos, range)
    for (const range of ts.getTrailingCommentRanges(source, node.end) ?? []) ranges.set(range.pos, range)
    for (const child of node.getChildren(file)) visit(child)
  }
  visit(file)

  const found: (Comment & { end: number; single: boolean })[] = []
  for (const range of [...ranges.values()].sort((a, b) => a.pos - b.pos)) {
    const single = range.kind === ts.SyntaxKind.SingleLineCommentTrivia
    const ownLine = source.slice(source.lastIndexOf('\n', range.pos) + 1, range.pos).trim() === ''
    const text = bare(source.slice(range.pos, range.end), single)
    const before = found.at(-1)
    if (single && ownLine && before?.single && source.slice(before.end, range.pos).match(/^\r?\n[ \t]*$/)) {
      before.text += ` ${text}`
      before.end = range.end
      continue
    }
    const line = file.getLineAndCharacterOfPosition(range.pos).line + 1
    found.push({ line, text, exported: documented.has(range.pos), end: range.end, single: single && ownLine })
  }
  return found.map(({ line, text, exported }) => ({ line, text, exported }))
}

function bare(comment: string, single: boolean): string {
  if (single) return comment.slice(2).trim()
  return comment
    .replace(/^\/\*+|\*+\/$/g, '')
    .replace(/^[ \t]*\*/gm, '')
    .replace(/\s+/g, ' ')
    .trim()
}

/** Where the docstrings of exported declarations and of their members begin. */
function exportedDocs(file: ts.SourceFile): Set<number> {
  const found = new Set<number>()
  const visit = (node: ts.Node, inExport: boolean): void => {
    const modifiers = ts.canHaveModifiers(node) ? ts.getModifiers(node) : undefined
    const isExport = modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false
    const exported = isExport || inExport
    if (exported) for (const doc of ts.getJSDocCommentsAndTags(node)) if (ts.isJSDoc(doc)) found.add(doc.pos)
    if (ts.isBlock(node)) return
    ts.forEachChild(node, (child) => visit(child, exported))
  }
  ts.forEachChild(file, (node) => visit(node, false))
  return found
}
