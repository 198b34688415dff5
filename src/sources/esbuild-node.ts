import { dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { BuildOptions } from 'esbuild'

/**
 * What makes a build behave as a module at the entry's place, wherever it is written: `require`, which ES
 * modules lack, and the names by which a module finds its own folder.
 */
export function nodeModuleOptions(
  entry: string,
): Pick<BuildOptions, 'platform' | 'format' | 'define' | 'banner'> {
  const url = pathToFileURL(entry).href
  // esbuild replaces these names only where the code does not declare them itself, and renames its own
  // `require`s, so none of this collides with what a module declares.
  const names = {
    __lambda_tether_url: url,
    __lambda_tether_file: entry,
    __lambda_tether_folder: dirname(entry),
  }
  const constants = Object.entries(names).map(([name, value]) => `${name} = ${JSON.stringify(value)}`)
  return {
    platform: 'node',
    format: 'esm',
    define: {
      __filename: '__lambda_tether_file',
      __dirname: '__lambda_tether_folder',
      'import.meta.url': '__lambda_tether_url',
      'import.meta.filename': '__lambda_tether_file',
      'import.meta.dirname': '__lambda_tether_folder',
    },
    banner: {
      js: [
        "import { createRequire as __lambda_tether_require } from 'node:module';",
        `const ${constants.join(', ')};`,
        'const require = __lambda_tether_require(__lambda_tether_url);',
      ].join(' '),
    },
  }
}
