import { dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { BuildOptions } from 'esbuild'
import { TetherError } from '../../core/base/errors.js'

// What makes a build behave as a module at its entry's place, wherever it is written.

/** The object that stands for `import.meta` in the code, and has `__filename` and `__dirname`. */
const META = '__lambda_tether_meta'

/**
 * The names by which a module finds its own place. esbuild replaces them only where the code does not declare them itself, and
 * renames the code's own `require`s, so none of this collides with what a module declares.
 */
export const placeNames = {
  'import.meta': META,
  __filename: `${META}.filename`,
  __dirname: `${META}.dirname`,
} as const satisfies BuildOptions['define']

/** Whether a module's text may ask where it lies. */
export function namesItsPlace(text: string): boolean {
  return /\b(?:import\.meta|__filename|__dirname)\b/.test(text)
}

/** The text of a module for which those names mean its own place, and not the entry's. */
export function withPlaceOf(path: string, text: string): string {
  // On the first line, so that the lines of the source map hold. esbuild renames it where several are in one scope.
  return text.replace(/^(#!.*\n)?/, (hashbang) => `${hashbang}var ${META} = ${metaOf(path)};`)
}

export interface PrefixOptions {
  readonly entry: string
  readonly format: 'cjs' | 'esm'
  /** Where packages lie, by the names that the code requires them by. */
  readonly packages: ReadonlyMap<string, string>
  /** Yarn's file that makes Node find packages in its archives, absolute. */
  readonly pnp: string | undefined
}

/**
 * The contents of a build behind one line that gives it its place.
 * @throws TetherError `BUILD_FAILED` for what an unknown version of esbuild has built
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
    // Declared by `var`, as those of other packages in the build are: two `const` of one name would not compile.
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

/** `import.meta.resolve`, as far as `require.resolve` can tell. */
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
 * An ES module that was required, as an import has it: esbuild wraps whatever it requires, so that the default of an ES module
 * would be its namespace. Node adds `__esModule`, which an import does not have.
 */
const namespaceOf =
  '(value) => typeof value !== "object" || value?.[Symbol.toStringTag] !== "Module" || Object.isExtensible(value) ? undefined ' +
  ': "__esModule" in value ? __copyProps({}, value, "__esModule") : value'

const INTEROP = 'var __toESM = '
const INTEROP_HEAD = Buffer.from(`${INTEROP}(mod, isNodeMode, target) => `)
/** Names the first module; what comes before it is esbuild's own, and what comes after may be another build's. */
const FIRST_MODULE = '\n// '
const HASHBANG = Buffer.from('#!')

function withInterop(contents: Uint8Array): Uint8Array[] {
  const bytes = Buffer.from(contents.buffer, contents.byteOffset, contents.byteLength)
  // No JavaScript behind another line.
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
