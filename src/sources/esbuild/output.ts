import { dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { BuildOptions } from 'esbuild'
import { TetherError } from '../../core/base/errors.js'

// Makes a build behave like a module in its entry's folder, wherever the build is written.

/** The object that replaces `import.meta` in the code, and holds `__filename` and `__dirname`. */
const META = '__lambda_tether_meta'

/**
 * The names with which a module finds its own place. esbuild replaces them only where the code does not declare them
 * itself, and renames the code's own `require`s, so none of this collides with a module's declarations.
 */
export const placeNames = {
  'import.meta': META,
  __filename: `${META}.filename`,
  __dirname: `${META}.dirname`,
} as const satisfies BuildOptions['define']

/** Whether a module's text may refer to its own place. */
export function namesItsPlace(text: string): boolean {
  return /\b(?:import\.meta|__filename|__dirname)\b/.test(text)
}

/** Returns the text of a module with these names referring to the module itself instead of the entry. */
export function withPlaceOf(path: string, text: string): string {
  // On the first line, so that the lines of the source map hold. esbuild renames it if a scope has several.
  return text.replace(/^(#!.*\n)?/, (hashbang) => `${hashbang}var ${META} = ${metaOf(path)};`)
}

export interface PrefixOptions {
  readonly entry: string
  readonly format: 'cjs' | 'esm'
  /** The paths of packages, by the specifiers that the code requires. */
  readonly packages: ReadonlyMap<string, string>
  /** The absolute path of Yarn's `.pnp.cjs`, with which Node finds packages in archives. */
  readonly pnp: string | undefined
}

/**
 * Prepends a line that gives a build its place.
 * @throws TetherError `BUILD_FAILED` if the code comes from an unknown version of esbuild
 */
export function placed(contents: Uint8Array, options: PrefixOptions): Buffer {
  return Buffer.concat([Buffer.from(prefix(options)), ...withInterop(contents)])
}

function prefix({ entry, format, packages, pnp }: PrefixOptions): string {
  const native = `process.getBuiltinModule("node:module").createRequire(${JSON.stringify(entry)})`
  const paths = JSON.stringify(Object.fromEntries(packages))
  const all = `((native, paths) => Object.assign((id) => native(Object.hasOwn(paths, id) ? paths[id] : id), native))(${native}, ${paths})`
  const statements = [
    '"use strict"',
    // `var`, as in modules of other packages in the build: two `const` of one name would not compile.
    `var ${META} = ${metaOf(entry)}`,
    ...(pnp === undefined ? [] : [`${native}(${JSON.stringify(pnp)}).setup()`]),
    format === 'esm' ? `const require = ${all}` : `require = ${all}`,
    `const ${NAMESPACE} = ${namespaceOf}`,
  ]
  return `${statements.join('; ')};\n`
}

function metaOf(path: string): string {
  const { href } = pathToFileURL(path)
  const fields = { url: href, filename: path, dirname: dirname(path) }
  const texts = Object.entries(fields).map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
  return `{ ${texts.join(', ')}, resolve: (id) => { ${resolving(JSON.stringify(href))} } }`
}

/** Returns the body of `import.meta.resolve`, within the limits of `require.resolve`. */
function resolving(url: string): string {
  return [
    'if (/^[a-z][a-z+.-]+:/i.test(id)) return id',
    `if (/^\\.{0,2}\\//.test(id)) return new URL(id, ${url}).href`,
    'const { createRequire, isBuiltin } = process.getBuiltinModule("node:module")',
    'if (isBuiltin(id)) return "node:" + id',
    `return process.getBuiltinModule("node:url").pathToFileURL(createRequire(${url}).resolve(id)).href`,
  ].join('; ')
}

const NAMESPACE = '__lambda_tether_namespace'

/**
 * Returns a required ES module in the form that an import sees. esbuild wraps every required value, so that the default
 * import of an ES module would be its namespace. Node adds `__esModule`, which an import does not have.
 */
const namespaceOf =
  '(value) => typeof value !== "object" || value?.[Symbol.toStringTag] !== "Module" || Object.isExtensible(value) ? undefined ' +
  ': "__esModule" in value ? __copyProps({}, value, "__esModule") : value'

const INTEROP = 'var __toESM = '
const INTEROP_HEAD = Buffer.from(`${INTEROP}(mod, isNodeMode, target) => `)
/** Marks the first module: esbuild's own code comes before it, and another build's code may follow. */
const FIRST_MODULE = '\n// '
const HASHBANG = Buffer.from('#!')

function withInterop(contents: Uint8Array): Uint8Array[] {
  const bytes = Buffer.from(contents.buffer, contents.byteOffset, contents.byteLength)
  // A hashbang is valid only on the first line: make it a comment.
  if (bytes.subarray(0, 2).equals(HASHBANG)) bytes.write('//')
  const at = bytes.indexOf(INTEROP)
  if (at < 0 || at > bytes.indexOf(FIRST_MODULE)) return [bytes]
  const end = at + INTEROP_HEAD.byteLength
  if (bytes.subarray(at, end).equals(INTEROP_HEAD))
    return [bytes.subarray(0, end), Buffer.from(`${NAMESPACE}(mod) ?? `), bytes.subarray(end)]
  const text = 'This version of esbuild joins ES modules to CommonJS in a way that is not known here.'
  throw new TetherError('BUILD_FAILED', `${text} Install esbuild 0.21 to 0.28, or update lambda-tether.`, {
    details: { text },
  })
}
