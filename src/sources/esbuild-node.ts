import { dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { BuildOptions } from 'esbuild'

/**
 * What makes a build behave as a module at its entry's place, wherever it is written, together with
 * {@link nodeModulePrefix}: the names by which a module finds its own folder.
 */
export const nodeModuleOptions = {
  platform: 'node',
  format: 'esm',
  // esbuild replaces these names only where the code does not declare them itself, and renames its own
  // `require`s, so none of this collides with what a module declares.
  define: {
    __filename: '__lambda_tether_file',
    __dirname: '__lambda_tether_folder',
    'import.meta.url': '__lambda_tether_url',
    'import.meta.filename': '__lambda_tether_file',
    'import.meta.dirname': '__lambda_tether_folder',
  },
} as const satisfies BuildOptions

/** The line before the build of an entry: what the names stand for, and `require`, which ES modules lack. */
export function nodeModulePrefix(entry: string): string {
  const names = {
    __lambda_tether_url: pathToFileURL(entry).href,
    __lambda_tether_file: entry,
    __lambda_tether_folder: dirname(entry),
  }
  const constants = Object.entries(names).map(([name, value]) => `${name} = ${JSON.stringify(value)}`)
  return [
    "import { createRequire as __lambda_tether_require } from 'node:module';",
    `const ${constants.join(', ')};`,
    'const require = __lambda_tether_require(__lambda_tether_url);\n',
  ].join(' ')
}
