import { posix } from 'node:path'
import ts from 'typescript'

/** One import that the layout does not allow. */
export interface Violation {
  readonly file: string
  readonly specifier: string
  readonly rule: 'core-alone' | 'siblings-apart' | 'optional-lazily'
}

/** What one module asks of another. */
export interface Reference {
  readonly specifier: string
  /** `static` is loaded with the importing module, `lazy` by an `import()`, `type` leaves nothing in the output. */
  readonly kind: 'static' | 'lazy' | 'type'
}

/** Implement what core declares, one folder for each kind; everything above may compose them. */
const SIBLINGS: readonly string[] = ['transports', 'stores', 'executors', 'sources']

/** Not in `dependencies`: an installation without them must still load every module. */
const OPTIONAL = /^(?:@aws-sdk\/|esbuild(?:\/|$)|(?:aedes|dynalite)(?:\/|$))/

/**
 * Checks modules against the layout of `docs/architecture.md`.
 * @param files source text by path from the repository's root, such as `src/core/session.ts`
 */
export function findViolations(files: ReadonlyMap<string, string>): Violation[] {
  const violations: Violation[] = []
  for (const [file, text] of files) {
    for (const { specifier, kind } of referencesOf(file, text)) {
      const rule = specifier.startsWith('.')
        ? brokenBoundary(files, file, resolve(file, specifier))
        : kind === 'static' && OPTIONAL.test(specifier) && 'optional-lazily'
      if (rule) violations.push({ file, specifier, rule })
    }
  }
  return violations
}

function brokenBoundary(
  files: ReadonlyMap<string, string>,
  from: string,
  to: string,
): Violation['rule'] | undefined {
  const source = areaOf(from)
  const target = areaOf(to)
  if (source === target) return undefined
  if (source === 'core') return 'core-alone'
  if (!SIBLINGS.includes(source)) return undefined
  const shared = target === 'core' || (target === 'root' && composesNothing(files, to))
  return shared ? undefined : 'siblings-apart'
}

/** A root module such as src/run-files.ts is everyone's; one such as src/index.ts would be a way to a sibling. */
function composesNothing(files: ReadonlyMap<string, string>, path: string): boolean {
  return referencesOf(path, files.get(path) ?? '').every(
    ({ specifier }) => !specifier.startsWith('.') || areaOf(resolve(path, specifier)) === 'core',
  )
}

/** The source file that a relative specifier means: `../core/frame.js` is src/core/frame.ts. */
function resolve(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts')
}

/** `core` for src/core/frame.ts, `root` for src/run-files.ts, `outside` for what is not in src. */
function areaOf(path: string): string {
  const [top, area, ...rest] = path.split('/')
  if (top !== 'src' || area === undefined) return 'outside'
  return rest.length === 0 ? 'root' : area
}

/** Everything that one module imports, in any way. */
export function referencesOf(file: string, text: string): Reference[] {
  const references: Reference[] = []
  const add = (specifier: ts.Node | undefined, kind: Reference['kind']) => {
    if (specifier && ts.isStringLiteralLike(specifier)) references.push({ specifier: specifier.text, kind })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      // `import { type A } from 'x'` still loads x under verbatimModuleSyntax: only `import type` does not.
      add(
        node.moduleSpecifier,
        node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword ? 'type' : 'static',
      )
    } else if (ts.isExportDeclaration(node)) {
      add(node.moduleSpecifier, node.isTypeOnly ? 'type' : 'static')
    } else if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference)) {
      add(node.moduleReference.expression, node.isTypeOnly ? 'type' : 'static')
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, 'type')
    } else if (ts.isCallExpression(node)) {
      if (node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0], 'lazy')
      else if (ts.isIdentifier(node.expression) && node.expression.text === 'require')
        add(node.arguments[0], 'static')
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest))
  return references
}
