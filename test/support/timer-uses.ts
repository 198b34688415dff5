import ts from 'typescript'
import * as timers from '../../src/core/base/timers.js'
import { referencesOf } from './boundaries.js'

const NAMES: ReadonlySet<string> = new Set(Object.keys(timers))
/** Objects on which the replaced ones are found as well. */
const HOLDERS: readonly string[] = ['globalThis', 'global', 'process']
const MENTIONED = new RegExp(`\\b(?:${[...NAMES].join('|')}|timers)\\b`)
const OWN = 'src/core/base/timers.ts'

/**
 * Timers that a test runner could replace: globals, and Node's modules of timers. Everything takes them from
 * `core/base/timers.ts`.
 * @param files source text by path
 * @returns `file: name`, for each use
 */
export function findReplaceableTimers(files: ReadonlyMap<string, string>): string[] {
  const uses: string[] = []
  for (const [file, text] of files) {
    if (file === OWN || !MENTIONED.test(text)) continue
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
    const imported = importedNames(source)
    const visit = (node: ts.Node): void => {
      if (ts.isIdentifier(node) && NAMES.has(node.text) && isReplaceable(node, imported))
        uses.push(`${file}: ${node.text}`)
      ts.forEachChild(node, visit)
    }
    visit(source)
    for (const { specifier } of referencesOf(file, text))
      if (/^(?:node:)?timers(?:\/|$)/.test(specifier)) uses.push(`${file}: ${specifier}`)
  }
  return uses
}

function isReplaceable(name: ts.Identifier, imported: ReadonlySet<string>): boolean {
  const { parent } = name
  if (ts.isImportSpecifier(parent)) return false
  // Of a socket, say; what is destructured is named by its key.
  if (ts.isPropertyAccessExpression(parent) && parent.name === name)
    return ts.isIdentifier(parent.expression) && HOLDERS.includes(parent.expression.text)
  if (ts.isBindingElement(parent)) return true
  const declared = ts.isMethodDeclaration(parent) || ts.isMethodSignature(parent)
  const key = (ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent)) && parent.name === name
  return !declared && !key && !imported.has(name.text)
}

function importedNames(source: ts.SourceFile): Set<string> {
  const names = new Set<string>()
  for (const statement of source.statements) {
    if (!ts.isImportDeclaration(statement)) continue
    const bindings = statement.importClause?.namedBindings
    if (bindings !== undefined && ts.isNamedImports(bindings))
      for (const { name } of bindings.elements) names.add(name.text)
  }
  return names
}
