import { posix } from 'node:path'
import ts from 'typescript'

/** One import that the layout does not allow. */
export interface Violation {
  readonly file: string
  readonly specifier: string
  readonly rule: 'core-alone' | 'core-downwards' | 'foundation' | 'siblings-apart' | 'optional-lazily'
}

/** What one module asks of another. */
export interface Reference {
  readonly specifier: string
  /** `static` is loaded with the importing module, `lazy` by an `import()`, `type` leaves nothing in the output. */
  readonly kind: 'static' | 'lazy' | 'type'
}

/** Implement what core declares, one folder for each kind; everything above may compose them. */
const SIBLINGS: readonly string[] = ['transports', 'stores', 'executors', 'sources']

/** Folders beside `core` that import only these. */
const FOUNDATIONS: Readonly<Record<string, readonly string[]>> = {
  network: ['core'],
  aws: ['core', 'network'],
  report: ['core'],
  recorder: ['core', 'diff'],
  diff: ['core'],
}

/**
 * The folders of `core`, from the ground: each imports only those of a lower rank. Folders of one rank do not import each
 * other.
 */
const CORE_RANKS: Readonly<Record<string, number>> = {
  base: 0,
  contracts: 1,
  pattern: 1,
  sharing: 2,
  wire: 3,
  streams: 3,
  link: 4,
  payload: 4,
  naming: 4,
  caller: 5,
  session: 5,
}

/** Not in `dependencies`: an installation without them must still load every module. */
const OPTIONAL =
  /^(?:@aws-sdk\/|esbuild(?:\/|$)|(?:aedes|dynalite|https-proxy-agent|proxy-from-env|@modelcontextprotocol\/server)(?:\/|$))/

/**
 * Checks modules against the layout of `docs/architecture.md`.
 * @param files source text by path from the repository's root, such as `src/core/session/session.ts`
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
  if (source === 'core' && target === 'core') return upwards(from, to) ? 'core-downwards' : undefined
  if (source === target) return undefined
  if (source === 'core') return 'core-alone'
  const below = FOUNDATIONS[source]
  if (below !== undefined) return below.includes(target) ? undefined : 'foundation'
  if (!SIBLINGS.includes(source)) return undefined
  const shared =
    target === 'core' ||
    target === 'network' ||
    target === 'aws' ||
    (target === 'root' && composesNothing(files, to))
  return shared ? undefined : 'siblings-apart'
}

/** Whether an import within `core` leads to a folder that is not below the importing one. */
function upwards(from: string, to: string): boolean {
  const source = coreFolderOf(from)
  const target = coreFolderOf(to)
  if (source === target) return false
  // A file outside the known folders has no rank, and every comparison with it is false.
  return !(CORE_RANKS[target]! < CORE_RANKS[source]!)
}

function coreFolderOf(path: string): string {
  const [, , folder, ...rest] = path.split('/')
  return rest.length === 0 || folder === undefined ? '' : folder
}

/**
 * Groups of modules that import each other in a circle, in imports of types as well.
 * @param files source text by path
 */
export function findCircles(files: ReadonlyMap<string, string>): string[][] {
  const targets = new Map(
    [...files].map(([file, text]) => [
      file,
      referencesOf(file, text)
        .filter(({ specifier }) => specifier.startsWith('.'))
        .map(({ specifier }) => resolve(file, specifier))
        .filter((target) => files.has(target)),
    ]),
  )
  const circles: string[][] = []
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file)
    if (at >= 0) return void circles.push(path.slice(at))
    if (done.has(file)) return
    for (const target of targets.get(file) ?? []) visit(target, [...path, file])
    done.add(file)
  }
  for (const file of files.keys()) visit(file, [])
  return circles
}

/**
 * Names that more than one module declares and exports. Files that are run, in folders named `entry`, are left out: Lambda
 * wants each of them to export `handler`.
 * @returns the modules by name
 */
export function findSharedNames(files: ReadonlyMap<string, string>): Map<string, string[]> {
  const modules = new Map<string, string[]>()
  for (const [file, text] of files) {
    if (file.includes('/entry/')) continue
    for (const name of declaredExports(file, text)) modules.set(name, [...(modules.get(name) ?? []), file])
  }
  return new Map([...modules].filter(([, where]) => where.length > 1))
}

/** The names that one module declares and exports; what it passes on from others does not count. */
function declaredExports(file: string, text: string): Set<string> {
  const names = new Set<string>()
  for (const statement of ts.createSourceFile(file, text, ts.ScriptTarget.Latest).statements) {
    if (!ts.canHaveModifiers(statement)) continue
    const exported = ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
    if (!exported) continue
    const declarations = ts.isVariableStatement(statement)
      ? statement.declarationList.declarations
      : [statement as ts.DeclarationStatement]
    for (const { name } of declarations) if (name && ts.isIdentifier(name)) names.add(name.text)
  }
  return names
}

/** A root module such as src/run-files.ts is everyone's; one such as src/index.ts would be a way to a sibling. */
function composesNothing(files: ReadonlyMap<string, string>, path: string): boolean {
  return referencesOf(path, files.get(path) ?? '').every(
    ({ specifier }) => !specifier.startsWith('.') || areaOf(resolve(path, specifier)) === 'core',
  )
}

/** The source file that a relative specifier means: `../core/frame.js` is src/core/wire/frame.ts. */
function resolve(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts')
}

/** `core` for src/core/wire/frame.ts, `root` for src/run-files.ts, `outside` for what is not in src. */
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
